import { readU16, writeU16 } from './bytes.js';
import { internetChecksum } from './checksum.js';
import { WireStatus } from './status.js';

/** Bytes of an ICMP header (RFC 792). */
export const ICMP_HEADER_BYTES = 8;

/** ICMP message types that somebody here asks for. */
export const IcmpType = { echoReply: 0, unreachable: 3, echoRequest: 8, timeExceeded: 11 } as const;

/** A decoded ICMP header. */
export class IcmpHeader {
  type = 0;
  code = 0;
  /** Of an echo: its identifier. */
  identifier = 0;
  /** Of an echo: its sequence number. Of "fragmentation needed": the next hop's MTU. */
  sequence = 0;
  payloadOffset = 0;
  payloadLength = 0;
}

/** Decodes the ICMP header of an IP payload of `length` bytes. The checksum is not verified. */
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
