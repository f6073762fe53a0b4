import { readU16, readU32, writeU16, writeU32 } from './bytes.js';
import { WireStatus } from './status.js';

/** Bytes of a TCP header without options (RFC 9293). */
export const TCP_HEADER_BYTES = 20;

/** Bits of the flags byte. */
export const TcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const;

/** Offsets of fields within the header, for those who rewrite in place. */
export const TcpAt = { sourcePort: 0, destinationPort: 2, dataOffset: 12, flags: 13, checksum: 16 } as const;

/** A decoded TCP header. */
export class TcpHeader {
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgement = 0;
  /** Bytes of the header with its options, 20 to 60. */
  headerLength = 0;
  /** See {@link TcpFlag}. */
  flags = 0;
  window = 0;
  checksum = 0;
  payloadOffset = 0;
  payloadLength = 0;
}

/** Whether {@link decodeTcp} would succeed, for who reads a few fields in place. */
export function checkTcp(memory: Uint8Array, offset: number, length: number): WireStatus {
  if (length < TCP_HEADER_BYTES) return WireStatus.truncated;
  const headerLength = (memory[offset + TcpAt.dataOffset] >>> 4) * 4;
  const fits = headerLength >= TCP_HEADER_BYTES && headerLength <= length;
  return fits ? WireStatus.ok : WireStatus.badHeaderLength;
}

/** Decodes the TCP header of a segment of `length` bytes. The checksum is not verified. */
export function decodeTcp(memory: Uint8Array, offset: number, length: number, into: TcpHeader): WireStatus {
  const status = checkTcp(memory, offset, length);
  if (status !== WireStatus.ok) return status;
  const headerLength = (memory[offset + TcpAt.dataOffset] >>> 4) * 4;
  into.sourcePort = readU16(memory, offset);
  into.destinationPort = readU16(memory, offset + TcpAt.destinationPort);
  into.sequence = readU32(memory, offset + 4);
  into.acknowledgement = readU32(memory, offset + 8);
  into.headerLength = headerLength;
  into.flags = memory[offset + TcpAt.flags];
  into.window = readU16(memory, offset + 14);
  into.checksum = readU16(memory, offset + TcpAt.checksum);
  into.payloadOffset = offset + headerLength;
  into.payloadLength = length - headerLength;
  return WireStatus.ok;
}

/** What {@link encodeTcp} needs to know; no options. */
export interface TcpFields {
  sourcePort: number;
  destinationPort: number;
  flags: number;
  /** Default 0. */
  sequence?: number;
  /** Default 0. */
  acknowledgement?: number;
  /** Default 65535. */
  window?: number;
}

/** Writes a TCP header of 20 bytes with checksum 0 (see `transportChecksum`); returns the offset after it. */
export function encodeTcp(memory: Uint8Array, offset: number, fields: TcpFields): number {
  writeU16(memory, offset, fields.sourcePort);
  writeU16(memory, offset + TcpAt.destinationPort, fields.destinationPort);
  writeU32(memory, offset + 4, fields.sequence ?? 0);
  writeU32(memory, offset + 8, fields.acknowledgement ?? 0);
  memory[offset + 12] = (TCP_HEADER_BYTES / 4) << 4;
  memory[offset + TcpAt.flags] = fields.flags;
  writeU16(memory, offset + 14, fields.window ?? 0xffff);
  writeU16(memory, offset + TcpAt.checksum, 0);
  writeU16(memory, offset + 18, 0);
  return offset + TCP_HEADER_BYTES;
}
