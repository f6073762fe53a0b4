import { readU16, writeU16 } from './bytes.js';
import { WireStatus } from './status.js';

/** Bytes of a UDP header (RFC 768). */
export const UDP_HEADER_BYTES = 8;

/** Offsets of fields within the header, for those who rewrite in place. */
export const UdpAt = { sourcePort: 0, destinationPort: 2, length: 4, checksum: 6 } as const;

/** A decoded UDP header. */
export class UdpHeader {
  sourcePort = 0;
  destinationPort = 0;
  /** 0: the sender made none (RFC 768). */
  checksum = 0;
  payloadOffset = 0;
  payloadLength = 0;
}

/**
 * Decodes the UDP header of an IP payload of `length` bytes. The datagram may be shorter than the IP payload (the rest
 * is then not UDP's), never longer.
 */
export function decodeUdp(memory: Uint8Array, offset: number, length: number, into: UdpHeader): WireStatus {
  if (length < UDP_HEADER_BYTES) return WireStatus.truncated;
  const datagramLength = readU16(memory, offset + UdpAt.length);
  if (datagramLength < UDP_HEADER_BYTES) return WireStatus.badLength;
  if (datagramLength > length) return WireStatus.truncated;
  into.sourcePort = readU16(memory, offset);
  into.destinationPort = readU16(memory, offset + UdpAt.destinationPort);
  into.checksum = readU16(memory, offset + UdpAt.checksum);
  into.payloadOffset = offset + UDP_HEADER_BYTES;
  into.payloadLength = datagramLength - UDP_HEADER_BYTES;
  return WireStatus.ok;
}

/** What {@link encodeUdp} needs to know. */
export interface UdpFields {
  sourcePort: number;
  destinationPort: number;
  payloadLength: number;
}

/** Writes a UDP header of 8 bytes with checksum 0, that is none; returns the offset after it. */
export function encodeUdp(memory: Uint8Array, offset: number, fields: UdpFields): number {
  writeU16(memory, offset, fields.sourcePort);
  writeU16(memory, offset + UdpAt.destinationPort, fields.destinationPort);
  writeU16(memory, offset + UdpAt.length, UDP_HEADER_BYTES + fields.payloadLength);
  writeU16(memory, offset + UdpAt.checksum, 0);
  return offset + UDP_HEADER_BYTES;
}
