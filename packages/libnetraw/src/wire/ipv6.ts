import { readU16, readU32, writeU16, writeU32 } from './bytes.js';
import { IPV6_ADDRESS_BYTES } from './ipAddress.js';
import { IpProtocol } from './ipv4.js';
import { WireStatus } from './status.js';

/** Bytes of an IPv6 header without extension headers (RFC 8200). */
export const IPV6_HEADER_BYTES = 40;
/** Bytes of a fragment header (RFC 8200, section 4.5). */
export const IPV6_FRAGMENT_BYTES = 8;
/** Extension headers that are looked through; nobody has a use for more. */
export const MAX_EXTENSION_HEADERS = 8;

/** Offsets of fields within the header, for those who rewrite in place. */
export const Ipv6At = { payloadLength: 4, nextHeader: 6, hopLimit: 7, source: 8, destination: 24 } as const;

/** Extension headers (IANA), and what ends a chain. */
export const Ipv6Extension = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  encrypted: 50,
  authentication: 51,
  none: 59,
  destinationOptions: 60,
  mobility: 135,
  hostIdentity: 139,
  shim6: 140,
} as const;

/** A decoded IPv6 header and what its extension headers lead to. Addresses are given by offset. */
export class Ipv6Header {
  hopLimit = 0;
  /** Where the 16 bytes of the source address stand, in the memory that was decoded. */
  sourceOffset = 0;
  destinationOffset = 0;
  /** Bytes of header, extension headers and payload; what follows in the frame is padding. */
  totalLength = 0;
  /** What the payload is: the first header that is no extension header. In a later fragment: what its chain begins with. */
  protocol = 0;
  /** Where in memory the number of that protocol stands. */
  protocolOffset = 0;
  /** Whether there is a fragment header, be it of a datagram in one piece (RFC 6946). */
  isFragment = false;
  moreFragments = false;
  /** Where this fragment's payload belongs in the fragmented part, in bytes; 0 in the first one. */
  fragmentOffset = 0;
  /** Unsigned 32 bits; of a fragment. */
  identification = 0;
  /** Where in memory the fragmented part begins, which in a first fragment may be extension headers; of a fragment. */
  fragmentPartOffset = 0;
  payloadOffset = 0;
  payloadLength = 0;
}

/**
 * Decodes the IPv6 header at `offset` of `length` bytes (which may contain trailing Ethernet padding) and walks its
 * extension headers, at most {@link MAX_EXTENSION_HEADERS}: a longer chain, a routing header that is not at its end
 * (RFC 5095) and a second fragment header are `unsupported`.
 */
export function decodeIpv6(memory: Uint8Array, offset: number, length: number, into: Ipv6Header): WireStatus {
  return decode(memory, offset, length, into, false);
}

/** The same for a packet that an ICMP error quotes: it may be cut off behind its headers (RFC 4443, section 3). */
export function decodeQuotedIpv6(
  memory: Uint8Array,
  offset: number,
  length: number,
  into: Ipv6Header,
): WireStatus {
  return decode(memory, offset, length, into, true);
}

function decode(
  memory: Uint8Array,
  offset: number,
  length: number,
  into: Ipv6Header,
  mayBeCut: boolean,
): WireStatus {
  if (length < IPV6_HEADER_BYTES) return WireStatus.truncated;
  if (memory[offset] >>> 4 !== 6) return WireStatus.badVersion;
  const totalLength = IPV6_HEADER_BYTES + readU16(memory, offset + Ipv6At.payloadLength);
  if (totalLength > length && !mayBeCut) return WireStatus.truncated;
  into.totalLength = totalLength;
  into.hopLimit = memory[offset + Ipv6At.hopLimit];
  into.sourceOffset = offset + Ipv6At.source;
  into.destinationOffset = offset + Ipv6At.destination;
  into.isFragment = false;
  into.moreFragments = false;
  into.fragmentOffset = 0;
  const end = offset + (totalLength < length ? totalLength : length);
  const protocol = memory[offset + Ipv6At.nextHeader];
  into.protocol = protocol;
  into.protocolOffset = offset + Ipv6At.nextHeader;
  into.payloadOffset = offset + IPV6_HEADER_BYTES;
  into.payloadLength = end - into.payloadOffset;
  if (protocol === IpProtocol.tcp || protocol === IpProtocol.udp) return WireStatus.ok;
  return walkExtensions(memory, end, into);
}

/** From the first header behind the fixed one, which `into` names, to the first that is no extension header. */
function walkExtensions(memory: Uint8Array, end: number, into: Ipv6Header): WireStatus {
  for (let passed = 0; isExtension(into.protocol); passed++) {
    if (passed === MAX_EXTENSION_HEADERS) return WireStatus.unsupported;
    const at = into.payloadOffset;
    // Every one of them has at least eight bytes.
    if (at + 8 > end) return WireStatus.truncated;
    const status = checkExtension(memory, at, into, passed);
    if (status !== WireStatus.ok) return status;
    const bytes = extensionBytes(into.protocol, memory[at + 1]);
    if (at + bytes > end) return WireStatus.truncated;
    into.protocol = memory[at];
    into.protocolOffset = at;
    into.payloadOffset = at + bytes;
    into.payloadLength = end - into.payloadOffset;
    if (into.fragmentOffset !== 0) return WireStatus.ok;
  }
  return WireStatus.ok;
}

/** What makes the extension header at `at`, the one that `into.protocol` names, impossible; notes a fragment header. */
function checkExtension(memory: Uint8Array, at: number, into: Ipv6Header, passed: number): WireStatus {
  switch (into.protocol) {
    case Ipv6Extension.hopByHop:
      return passed === 0 ? WireStatus.ok : WireStatus.unsupported;
    case Ipv6Extension.routing:
      // "Segments left": the packet is not for the destination that it names.
      return memory[at + 3] === 0 ? WireStatus.ok : WireStatus.unsupported;
    case Ipv6Extension.fragment:
      return into.isFragment ? WireStatus.unsupported : readFragment(memory, at, into);
    default:
      return WireStatus.ok;
  }
}

function readFragment(memory: Uint8Array, at: number, into: Ipv6Header): WireStatus {
  const word = readU16(memory, at + 2);
  into.isFragment = true;
  into.moreFragments = (word & 1) !== 0;
  into.fragmentOffset = word & 0xfff8;
  into.identification = readU32(memory, at + 4);
  into.fragmentPartOffset = at + IPV6_FRAGMENT_BYTES;
  return WireStatus.ok;
}

function isExtension(protocol: number): boolean {
  switch (protocol) {
    case Ipv6Extension.hopByHop:
    case Ipv6Extension.routing:
    case Ipv6Extension.fragment:
    case Ipv6Extension.authentication:
    case Ipv6Extension.destinationOptions:
    case Ipv6Extension.mobility:
    case Ipv6Extension.hostIdentity:
    case Ipv6Extension.shim6:
      return true;
    default:
      return false;
  }
}

/** From the length byte, which counts in units of its own in the authentication header (RFC 4302, section 2.2). */
function extensionBytes(protocol: number, lengthByte: number): number {
  if (protocol === Ipv6Extension.fragment) return IPV6_FRAGMENT_BYTES;
  if (protocol === Ipv6Extension.authentication) return (lengthByte + 2) * 4;
  return (lengthByte + 1) * 8;
}

/** What {@link encodeIpv6} needs to know; no extension headers. */
export interface Ipv6Fields {
  /** 16 bytes. */
  source: Uint8Array;
  /** 16 bytes. */
  destination: Uint8Array;
  protocol: number;
  payloadLength: number;
  /** Default 64. */
  hopLimit?: number;
}

/** Writes an IPv6 header of 40 bytes; returns the offset after it. */
export function encodeIpv6(memory: Uint8Array, offset: number, fields: Ipv6Fields): number {
  writeU32(memory, offset, 0x60000000);
  writeU16(memory, offset + Ipv6At.payloadLength, fields.payloadLength);
  memory[offset + Ipv6At.nextHeader] = fields.protocol;
  memory[offset + Ipv6At.hopLimit] = fields.hopLimit ?? 64;
  copyIpv6(fields.source, 0, memory, offset + Ipv6At.source);
  copyIpv6(fields.destination, 0, memory, offset + Ipv6At.destination);
  return offset + IPV6_HEADER_BYTES;
}

/** Copies sixteen bytes without making a view. */
export function copyIpv6(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number): void {
  for (let i = 0; i < IPV6_ADDRESS_BYTES; i++) to[toOffset + i] = from[fromOffset + i];
}

/** Whether the 16 bytes at `offset` are all zero: the unspecified address. */
export function isUnspecifiedIpv6(memory: Uint8Array, offset: number): boolean {
  for (let i = 0; i < IPV6_ADDRESS_BYTES; i++) {
    if (memory[offset + i] !== 0) return false;
  }
  return true;
}
