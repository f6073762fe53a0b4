import { readU16, writeU16 } from './bytes.js';
import { internetChecksum } from './checksum.js';
import { WireStatus } from './status.js';

/** Bytes of an ICMP header (RFC 792). */
export const ICMP_HEADER_BYTES = 8;

/** ICMP message types that somebody here asks for. */
export const IcmpType = {
  echoReply: 0,
  unreachable: 3,
  echoRequest: 8,
  timeExceeded: 11,
  parameterProblem: 12,
} as const;

/** ICMP "unreachable" code: too large for the next hop, and not to be fragmented (RFC 1191). */
export const FRAGMENTATION_NEEDED = 4;

/** ICMPv6 message types that somebody here asks for (RFC 4443, RFC 4861). */
export const Icmpv6Type = {
  unreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echoRequest: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
} as const;

/** A decoded ICMP or ICMPv6 header. */
export class IcmpHeader {
  type = 0;
  code = 0;
  /** Of an echo: its identifier. */
  identifier = 0;
  /** Of an echo: its sequence number. Of "fragmentation needed": the next hop's MTU; of "packet too big" its low half. */
  sequence = 0;
  payloadOffset = 0;
  payloadLength = 0;
}

/** Decodes the ICMP or ICMPv6 header of an IP payload of `length` bytes. The checksum is not verified. */
export function decodeIcmp(memory: Uint8Array, offset: number, length: number, into: IcmpHeader): WireStatus {
  if (length < ICMP_HEADER_BYTES) return WireStatus.truncated;
  into.type = memory[offset];
  into.code = memory[offset + 1];
  into.identifier = readU16(memory, offset + 4);
  into.sequence = readU16(memory, offset + 6);
  into.payloadOffset = offset + ICMP_HEADER_BYTES;
  into.payloadLength = length - ICMP_HEADER_BYTES;
  return WireStatus.ok;
}

/**
 * Writes an echo request's header over a payload that already stands behind it, with its checksum; returns the offset
 * after the header.
 */
export function encodeEchoRequest(
  memory: Uint8Array,
  offset: number,
  identifier: number,
  sequence: number,
  payloadLength: number,
): number {
  memory[offset] = IcmpType.echoRequest;
  memory[offset + 1] = 0;
  writeU16(memory, offset + 2, 0);
  writeU16(memory, offset + 4, identifier);
  writeU16(memory, offset + 6, sequence);
  writeU16(memory, offset + 2, internetChecksum(memory, offset, ICMP_HEADER_BYTES + payloadLength));
  return offset + ICMP_HEADER_BYTES;
}
