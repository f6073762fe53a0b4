/** Neighbour discovery (RFC 4861): the two messages by which IPv6 does what ARP does for IPv4. */
import { readU16, writeU16, writeU32 } from './bytes.js';
import { internetChecksum, pseudoHeaderSum6 } from './checksum.js';
import { copyMac, encodeEthernet, ETHERNET_HEADER_BYTES, EtherType, MAC_BYTES } from './ethernet.js';
import { Icmpv6Type } from './icmp.js';
import { IPV6_ADDRESS_BYTES } from './ipAddress.js';
import { IpProtocol } from './ipv4.js';
import { copyIpv6, encodeIpv6, IPV6_HEADER_BYTES, type Ipv6Header, isUnspecifiedIpv6 } from './ipv6.js';
import { WireStatus } from './status.js';

/** Bytes of a solicitation or advertisement without options, from its ICMPv6 header on. */
export const NEIGHBOUR_BYTES = 24;
/** Bytes of the option that carries an Ethernet address. */
export const LINK_ADDRESS_OPTION_BYTES = 8;
/** Bytes of a whole frame with that option. */
export const NEIGHBOUR_FRAME_BYTES =
  ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + NEIGHBOUR_BYTES + LINK_ADDRESS_OPTION_BYTES;

/** No router may have forwarded such a message (RFC 4861, section 7.1). */
const HOP_LIMIT = 255;
const TARGET_AT = 8;
const OPTION_SOURCE_LINK = 1;
const OPTION_TARGET_LINK = 2;
const SOLICITED_NODE_PREFIX = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff);

/** Bits of an advertisement's flags byte. */
export const NeighbourFlag = { router: 0x80, solicited: 0x40, override: 0x20 } as const;

/** All nodes of the link, `ff02::1`. */
export const ALL_NODES: Uint8Array = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** A decoded neighbour solicitation or advertisement. */
export class NeighbourMessage {
  /** {@link Icmpv6Type} `neighbourSolicitation` or `neighbourAdvertisement`. */
  type = 0;
  /** Of an advertisement; see {@link NeighbourFlag}. */
  flags = 0;
  /** Where the 16 bytes of the address in question stand. */
  targetOffset = 0;
  /** Where the sender says its Ethernet address is: of a solicitation its source's, else the target's; -1 without. */
  linkAddressOffset = -1;
  /** Whether the source is unspecified: somebody asks whether it may have the address (RFC 4862, section 5.4). */
  isProbe = false;
}

/** Whether an ICMPv6 type is one of the two. */
export function isNeighbourType(type: number): boolean {
  return type === Icmpv6Type.neighbourSolicitation || type === Icmpv6Type.neighbourAdvertisement;
}

/**
 * Decodes the neighbour message that is the payload of `ip`, with all that RFC 4861 (7.1.1, 7.1.2) wants checked: hop
 * limit, checksum, code, lengths, a target that is one host's. Others are `unsupported`.
 */
export function decodeNeighbour(memory: Uint8Array, ip: Ipv6Header, into: NeighbourMessage): WireStatus {
  const { payloadOffset: offset, payloadLength: length } = ip;
  if (ip.protocol !== IpProtocol.icmpv6 || ip.isFragment) return WireStatus.unsupported;
  if (length < NEIGHBOUR_BYTES) return WireStatus.truncated;
  if (!isNeighbourType(memory[offset])) return WireStatus.unsupported;
  if (ip.hopLimit !== HOP_LIMIT || memory[offset + 1] !== 0) return WireStatus.badField;
  if (icmpv6Checksum(memory, ip.sourceOffset, ip.destinationOffset, offset, length) !== 0) {
    return WireStatus.badChecksum;
  }
  into.type = memory[offset];
  into.flags = memory[offset + 4];
  into.targetOffset = offset + TARGET_AT;
  if (memory[into.targetOffset] === 0xff) return WireStatus.badField;
  into.isProbe = isUnspecifiedIpv6(memory, ip.sourceOffset);
  // An advertisement to a group answers nobody in particular.
  const isAnswer =
    into.type === Icmpv6Type.neighbourAdvertisement && (into.flags & NeighbourFlag.solicited) !== 0;
  if (isAnswer && memory[ip.destinationOffset] === 0xff) return WireStatus.badField;
  const status = readOptions(memory, offset + NEIGHBOUR_BYTES, offset + length, into);
  if (status !== WireStatus.ok || !into.isProbe) return status;
  if (into.type !== Icmpv6Type.neighbourSolicitation) return WireStatus.badField;
  const toGroup = isSolicitedNode(memory, ip.destinationOffset);
  return toGroup && into.linkAddressOffset < 0 ? WireStatus.ok : WireStatus.badField;
}

function readOptions(memory: Uint8Array, from: number, end: number, into: NeighbourMessage): WireStatus {
  const wanted = into.type === Icmpv6Type.neighbourSolicitation ? OPTION_SOURCE_LINK : OPTION_TARGET_LINK;
  into.linkAddressOffset = -1;
  let at = from;
  while (at < end) {
    if (at + 8 > end) return WireStatus.truncated;
    const bytes = memory[at + 1] * 8;
    if (bytes === 0) return WireStatus.badLength;
    if (at + bytes > end) return WireStatus.truncated;
    if (memory[at] === wanted) {
      if (bytes !== LINK_ADDRESS_OPTION_BYTES) return WireStatus.badLength;
      into.linkAddressOffset = at + 2;
    }
    at += bytes;
  }
  return WireStatus.ok;
}

function isSolicitedNode(memory: Uint8Array, offset: number): boolean {
  for (let i = 0; i < SOLICITED_NODE_PREFIX.length; i++) {
    if (memory[offset + i] !== SOLICITED_NODE_PREFIX[i]) return false;
  }
  return true;
}

/** The ICMPv6 checksum of `length` bytes at `offset` (RFC 4443, section 2.3); 0 over a message that contains a right one. */
export function icmpv6Checksum(
  memory: Uint8Array,
  sourceOffset: number,
  destinationOffset: number,
  offset: number,
  length: number,
): number {
  const initial = pseudoHeaderSum6(memory, sourceOffset, destinationOffset, IpProtocol.icmpv6, length);
  return internetChecksum(memory, offset, length, initial);
}

/** What a solicitation or advertisement says. */
export interface NeighbourFields {
  /** {@link Icmpv6Type} `neighbourSolicitation` or `neighbourAdvertisement`. */
  type: number;
  /** IPv6 addresses of 16 bytes. */
  source: Uint8Array;
  destination: Uint8Array;
  target: Uint8Array;
  /** Of an advertisement; see {@link NeighbourFlag}. Default 0. */
  flags?: number;
  /** The Ethernet address of the source of a solicitation, or of the target; without it there is no option. */
  linkAddress?: Uint8Array;
}

/** Writes a neighbour message from its IPv6 header on, with its checksum; returns the offset after it. */
export function encodeNeighbour(memory: Uint8Array, offset: number, fields: NeighbourFields): number {
  const { type, source, destination, target, flags = 0, linkAddress } = fields;
  const payloadLength = NEIGHBOUR_BYTES + (linkAddress === undefined ? 0 : LINK_ADDRESS_OPTION_BYTES);
  const at = encodeIpv6(memory, offset, {
    source,
    destination,
    protocol: IpProtocol.icmpv6,
    payloadLength,
    hopLimit: HOP_LIMIT,
  });
  memory[at] = type;
  memory[at + 1] = 0;
  writeU16(memory, at + 2, 0);
  writeU32(memory, at + 4, flags << 24);
  copyIpv6(target, 0, memory, at + TARGET_AT);
  if (linkAddress !== undefined) {
    const isSolicitation = type === Icmpv6Type.neighbourSolicitation;
    memory[at + NEIGHBOUR_BYTES] = isSolicitation ? OPTION_SOURCE_LINK : OPTION_TARGET_LINK;
    memory[at + NEIGHBOUR_BYTES + 1] = 1;
    copyMac(linkAddress, 0, memory, at + NEIGHBOUR_BYTES + 2);
  }
  const sourceOffset = offset + 8;
  const checksum = icmpv6Checksum(memory, sourceOffset, sourceOffset + IPV6_ADDRESS_BYTES, at, payloadLength);
  writeU16(memory, at + 2, checksum);
  return at + payloadLength;
}

/** A whole neighbour message frame from `sourceMac` to `destinationMac`, without vnet header. */
export function neighbourFrame(
  destinationMac: Uint8Array,
  sourceMac: Uint8Array,
  fields: NeighbourFields,
): Uint8Array {
  const frame = new Uint8Array(NEIGHBOUR_FRAME_BYTES);
  const at = encodeEthernet(frame, 0, destinationMac, sourceMac, EtherType.ipv6);
  return frame.slice(0, encodeNeighbour(frame, at, fields));
}

/** The group that who has `address` listens to, `ff02::1:ff` and its low 24 bits (RFC 4291, section 2.7.1). */
export function solicitedNodeOf(address: Uint8Array): Uint8Array {
  const group = new Uint8Array(IPV6_ADDRESS_BYTES);
  group.set(SOLICITED_NODE_PREFIX);
  group.set(address.subarray(SOLICITED_NODE_PREFIX.length), SOLICITED_NODE_PREFIX.length);
  return group;
}

/** The Ethernet address of an IPv6 group, 33:33 and its low 32 bits (RFC 2464, section 7). */
export function multicastMacOf(group: Uint8Array): Uint8Array {
  const mac = new Uint8Array(MAC_BYTES);
  writeU16(mac, 0, 0x3333);
  writeU16(mac, 2, readU16(group, 12));
  writeU16(mac, 4, readU16(group, 14));
  return mac;
}
