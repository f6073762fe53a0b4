/** ICMP messages that the dispatcher itself writes: answers to pings, and errors about packets that cannot go on. */
import {
  copyMac,
  ICMP_HEADER_BYTES,
  IcmpType,
  Icmpv6Type,
  internetChecksum,
  IpProtocol,
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  MAC_BYTES,
  pseudoHeaderSum6,
  writeU16,
  writeU32,
} from 'libnetraw/wire';
import type { Reply } from '../neighbours/reply.js';
import { addressBytes, addressOffset, type PacketPlaces, Side } from './packet.js';

const HOPS = 64;
const DONT_FRAGMENT = 0x4000;
const VERSION_6 = 0x60000000;
/** Most bytes of an IPv4 packet with an ICMP error (RFC 1812, section 4.3.2.3). */
const MAX_ERROR_BYTES_4 = 576;
/** The least MTU of IPv6, which an ICMPv6 error keeps to (RFC 4443, section 2.4 c). */
const MAX_ERROR_BYTES_6 = 1280;
/** Errors by name; types and codes differ by family. */
export const IcmpError = { timeExceeded: 0, tooBig: 1 } as const;
export type IcmpError = (typeof IcmpError)[keyof typeof IcmpError];

/** Type and code (RFC 792, RFC 1191; RFC 4443), by family and by {@link IcmpError}. */
const ERRORS_4 = [
  { type: 11, code: 0 },
  { type: 3, code: 4 },
];
const ERRORS_6 = [
  { type: 3, code: 0 },
  { type: 2, code: 0 },
];

/** Writes answers into a reply, each over the last. An answer goes back to where the frame came from. */
export class IcmpAnswers {
  private readonly reply: Reply;

  constructor(reply: Reply) {
    this.reply = reply;
  }

  /**
   * Writes an error about a packet, quoting as much of it as the rules allow.
   *
   * @param from the address of who sends it, in network order
   * @param mtuBytes of `tooBig`: the next hop's
   */
  error(
    memory: Uint8Array,
    frameOffset: number,
    packet: PacketPlaces,
    kind: IcmpError,
    from: Uint8Array,
    mtuBytes: number,
  ): void {
    const { bytes } = this.reply;
    const { family, ipOffset, end } = packet;
    const ipAt = this.writeLink(memory, frameOffset, ipOffset);
    const icmpAt = ipAt + ipHeaderBytes(family);
    const most = family === 4 ? MAX_ERROR_BYTES_4 : MAX_ERROR_BYTES_6;
    const quotedBytes = Math.min(end - ipOffset, most - ipHeaderBytes(family) - ICMP_HEADER_BYTES);
    const { type, code } = (family === 4 ? ERRORS_4 : ERRORS_6)[kind];
    bytes[icmpAt] = type;
    bytes[icmpAt + 1] = code;
    writeU32(bytes, icmpAt + 4, mtuBytes);
    copyBytes(memory, ipOffset, bytes, icmpAt + ICMP_HEADER_BYTES, quotedBytes);
    this.finish(memory, packet, ipAt, from, 0, ICMP_HEADER_BYTES + quotedBytes);
  }

  /**
   * Writes the answer to an echo request, from the address that was asked. False when the request is too long to be
   * answered in one frame.
   */
  echo(memory: Uint8Array, frameOffset: number, packet: PacketPlaces): boolean {
    const { bytes, ipBytes } = this.reply;
    const { family, ipOffset, transportOffset, end } = packet;
    const icmpBytes = end - transportOffset;
    if (ipHeaderBytes(family) + icmpBytes > ipBytes) return false;
    const ipAt = this.writeLink(memory, frameOffset, ipOffset);
    const icmpAt = ipAt + ipHeaderBytes(family);
    copyBytes(memory, transportOffset, bytes, icmpAt, icmpBytes);
    bytes[icmpAt] = family === 4 ? IcmpType.echoReply : Icmpv6Type.echoReply;
    this.finish(memory, packet, ipAt, memory, addressOffset(packet, Side.destination), icmpBytes);
    return true;
  }

  /** The link's header of the answer: MACs exchanged, the rest (tags, the EtherType) as it came. Returns where IP begins. */
  private writeLink(memory: Uint8Array, frameOffset: number, ipOffset: number): number {
    const { reply } = this;
    const linkBytes = ipOffset - frameOffset;
    reply.isLocal = false;
    copyMac(memory, frameOffset + MAC_BYTES, reply.bytes, 0);
    copyMac(memory, frameOffset, reply.bytes, MAC_BYTES);
    copyBytes(memory, frameOffset + 2 * MAC_BYTES, reply.bytes, 2 * MAC_BYTES, linkBytes - 2 * MAC_BYTES);
    return linkBytes;
  }

  /** Writes the IP header and the ICMP checksum over a message of `icmpBytes` bytes. */
  private finish(
    memory: Uint8Array,
    packet: PacketPlaces,
    ipAt: number,
    fromBytes: Uint8Array,
    fromAt: number,
    icmpBytes: number,
  ): void {
    const { bytes } = this.reply;
    const { family } = packet;
    const icmpAt = ipAt + ipHeaderBytes(family);
    const length = addressBytes(family);
    if (family === 4) startHeader4(bytes, ipAt, icmpBytes);
    else startHeader6(bytes, ipAt, icmpBytes);
    const sourceAt = icmpAt - 2 * length;
    const destinationAt = icmpAt - length;
    copyBytes(fromBytes, fromAt, bytes, sourceAt, length);
    copyBytes(memory, addressOffset(packet, Side.source), bytes, destinationAt, length);
    if (family === 4) writeU16(bytes, ipAt + 10, internetChecksum(bytes, ipAt, IPV4_HEADER_BYTES));
    const initial =
      family === 4 ? 0 : pseudoHeaderSum6(bytes, sourceAt, destinationAt, IpProtocol.icmpv6, icmpBytes);
    writeU16(bytes, icmpAt + 2, 0);
    writeU16(bytes, icmpAt + 2, internetChecksum(bytes, icmpAt, icmpBytes, initial));
    this.reply.length = icmpAt + icmpBytes;
  }
}

function ipHeaderBytes(family: 4 | 6): number {
  return family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

/** An IPv4 header but for its addresses and checksum. */
function startHeader4(reply: Uint8Array, at: number, payloadBytes: number): void {
  reply[at] = 0x45;
  reply[at + 1] = 0;
  writeU16(reply, at + 2, IPV4_HEADER_BYTES + payloadBytes);
  writeU16(reply, at + 4, 0);
  writeU16(reply, at + 6, DONT_FRAGMENT);
  reply[at + 8] = HOPS;
  reply[at + 9] = IpProtocol.icmp;
  writeU16(reply, at + 10, 0);
}

/** An IPv6 header but for its addresses. */
function startHeader6(reply: Uint8Array, at: number, payloadBytes: number): void {
  writeU32(reply, at, VERSION_6);
  writeU16(reply, at + 4, payloadBytes);
  reply[at + 6] = IpProtocol.icmpv6;
  reply[at + 7] = HOPS;
}

/** Written out like `copyMac`: a view would be an allocation, and answers come in floods when they come. */
function copyBytes(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i];
}
