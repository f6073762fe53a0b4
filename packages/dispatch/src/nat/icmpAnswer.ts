/** ICMP messages that the dispatcher itself writes: answers to pings, and errors about packets that cannot go on. */
import {
  copyMac,
  ICMP_HEADER_BYTES,
  internetChecksum,
  IpProtocol,
  IPV4_HEADER_BYTES,
  MAC_BYTES,
  pseudoHeaderSum6,
  writeU16,
  writeU32,
} from 'libnetraw/wire';
import { addressBytes, addressOffset, type PacketPlaces, Side } from './packet.js';

const IPV6_HEADER_BYTES = 40;
const HOPS = 64;
const DONT_FRAGMENT = 0x4000;
const VERSION_6 = 0x60000000;
/** Most bytes of an IPv4 packet with an ICMP error (RFC 1812, section 4.3.2.3). */
const MAX_ERROR_BYTES_4 = 576;
/** The least MTU of IPv6, which an ICMPv6 error keeps to (RFC 4443, section 2.4 c). */
const MAX_ERROR_BYTES_6 = 1280;
/** What an answer takes at most beside its payload: Ethernet header, tag, IP header. */
const L2_AND_IP_BYTES = 18 + IPV6_HEADER_BYTES;

/** Bytes that a buffer for answers needs on links of this MTU. */
export function answerBytes(mtuBytes: number): number {
  return Math.max(mtuBytes, MAX_ERROR_BYTES_6) + L2_AND_IP_BYTES;
}

/** An address in network order, somewhere in a memory. */
export interface AddressPlace {
  readonly bytes: Uint8Array;
  readonly at: number;
}

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
const ECHO_REPLY_4 = 0;
const ECHO_REPLY_6 = 129;

/** Writes answers into one buffer, each over the last. An answer goes back to where the frame came from. */
export class IcmpAnswers {
  private readonly reply: Uint8Array;

  /** @param reply at least {@link answerBytes} of the greatest MTU. */
  constructor(reply: Uint8Array) {
    this.reply = reply;
  }

  /**
   * Writes an error about a packet, quoting as much of it as the rules allow; returns the bytes of the frame.
   *
   * @param from whose answer it is
   * @param mtuBytes of `tooBig`: the next hop's
   */
  error(
    memory: Uint8Array,
    frameOffset: number,
    packet: PacketPlaces,
    kind: IcmpError,
    from: AddressPlace,
    mtuBytes: number,
  ): number {
    const { reply } = this;
    const { family, ipOffset, end } = packet;
    const ipAt = this.writeLink(memory, frameOffset, ipOffset);
    const icmpAt = ipAt + ipHeaderBytes(family);
    const most = family === 4 ? MAX_ERROR_BYTES_4 : MAX_ERROR_BYTES_6;
    const quotedBytes = Math.min(end - ipOffset, most - ipHeaderBytes(family) - ICMP_HEADER_BYTES);
    const { type, code } = (family === 4 ? ERRORS_4 : ERRORS_6)[kind];
    reply[icmpAt] = type;
    reply[icmpAt + 1] = code;
    writeU32(reply, icmpAt + 4, mtuBytes);
    copyBytes(memory, ipOffset, reply, icmpAt + ICMP_HEADER_BYTES, quotedBytes);
    return this.finish(memory, packet, ipAt, from.bytes, from.at, ICMP_HEADER_BYTES + quotedBytes);
  }

  /**
   * Writes the answer to an echo request, from the address that was asked; returns the bytes of the frame, or 0 when the
   * request is too long to be answered in one frame.
   */
  echo(memory: Uint8Array, frameOffset: number, packet: PacketPlaces): number {
    const { reply } = this;
    const { family, ipOffset, transportOffset, end } = packet;
    const icmpBytes = end - transportOffset;
    if (icmpBytes > reply.length - L2_AND_IP_BYTES) return 0;
    const ipAt = this.writeLink(memory, frameOffset, ipOffset);
    const icmpAt = ipAt + ipHeaderBytes(family);
    copyBytes(memory, transportOffset, reply, icmpAt, icmpBytes);
    reply[icmpAt] = family === 4 ? ECHO_REPLY_4 : ECHO_REPLY_6;
    return this.finish(memory, packet, ipAt, memory, addressOffset(packet, Side.destination), icmpBytes);
  }

  /** The link's header of the answer: MACs exchanged, the rest (a tag, the EtherType) as it came. Returns where IP begins. */
  private writeLink(memory: Uint8Array, frameOffset: number, ipOffset: number): number {
    const { reply } = this;
    const linkBytes = ipOffset - frameOffset;
    copyMac(memory, frameOffset + MAC_BYTES, reply, 0);
    copyMac(memory, frameOffset, reply, MAC_BYTES);
    copyBytes(memory, frameOffset + 2 * MAC_BYTES, reply, 2 * MAC_BYTES, linkBytes - 2 * MAC_BYTES);
    return linkBytes;
  }

  /** Writes the IP header and the ICMP checksum over a message of `icmpBytes` bytes; returns where the frame ends. */
  private finish(
    memory: Uint8Array,
    packet: PacketPlaces,
    ipAt: number,
    fromBytes: Uint8Array,
    fromAt: number,
    icmpBytes: number,
  ): number {
    const { reply } = this;
    const { family } = packet;
    const icmpAt = ipAt + ipHeaderBytes(family);
    const bytes = addressBytes(family);
    if (family === 4) startHeader4(reply, ipAt, icmpBytes);
    else startHeader6(reply, ipAt, icmpBytes);
    const sourceAt = icmpAt - 2 * bytes;
    const destinationAt = icmpAt - bytes;
    copyBytes(fromBytes, fromAt, reply, sourceAt, bytes);
    copyBytes(memory, addressOffset(packet, Side.source), reply, destinationAt, bytes);
    if (family === 4) writeU16(reply, ipAt + 10, internetChecksum(reply, ipAt, IPV4_HEADER_BYTES));
    const initial =
      family === 4 ? 0 : pseudoHeaderSum6(reply, sourceAt, destinationAt, IpProtocol.icmpv6, icmpBytes);
    writeU16(reply, icmpAt + 2, 0);
    writeU16(reply, icmpAt + 2, internetChecksum(reply, icmpAt, icmpBytes, initial));
    return icmpAt + icmpBytes;
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
