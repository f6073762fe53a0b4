import { readU16, readU32, writeU16, writeU32 } from './bytes.js';
import { internetChecksum } from './checksum.js';
import { WireStatus } from './status.js';

/** Bytes of an IPv4 header without options (RFC 791). */
export const IPV4_HEADER_BYTES = 20;

/** IP protocol numbers (IANA). */
export const IpProtocol = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;

/** Offsets of fields within the header, for those who rewrite in place. */
export const Ipv4At = {
  totalLength: 2,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
} as const;

const MAX_TOTAL_LENGTH = 0xffff;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET_MASK = 0x1fff;

/** A decoded IPv4 header. Addresses are unsigned 32-bit numbers. */
export class Ipv4Header {
  /** Bytes of the header with its options, 20 to 60. */
  headerLength = 0;
  /** Bytes of header and payload; what follows in the frame is padding. */
  totalLength = 0;
  identification = 0;
  dontFragment = false;
  moreFragments = false;
  /** Where this fragment's payload belongs in the datagram, in bytes; 0 in the first and in an unfragmented one. */
  fragmentOffset = 0;
  ttl = 0;
  protocol = 0;
  source = 0;
  destination = 0;
  payloadOffset = 0;
  payloadLength = 0;
}

/** Whether {@link decodeIpv4} would succeed, for who reads a few fields in place. */
export function checkIpv4(memory: Uint8Array, offset: number, length: number): WireStatus {
  if (length < IPV4_HEADER_BYTES) return WireStatus.truncated;
  const versionAndLength = memory[offset];
  if (versionAndLength >>> 4 !== 4) return WireStatus.badVersion;
  const headerLength = (versionAndLength & 15) * 4;
  const totalLength = readU16(memory, offset + Ipv4At.totalLength);
  if (headerLength < IPV4_HEADER_BYTES) return WireStatus.badHeaderLength;
  if (totalLength < headerLength) return WireStatus.badLength;
  return totalLength > length ? WireStatus.truncated : WireStatus.ok;
}

/** Whether a packet that {@link checkIpv4} finds good is a part of a larger one. */
export function isIpv4Fragment(memory: Uint8Array, offset: number): boolean {
  return (readU16(memory, offset + Ipv4At.fragment) & (MORE_FRAGMENTS | FRAGMENT_OFFSET_MASK)) !== 0;
}

/**
 * Decodes the IPv4 header at `offset` of `length` bytes (which may contain trailing Ethernet padding). The header
 * checksum is not verified: an end host does that, and offload may have left it to the NIC.
 */
export function decodeIpv4(memory: Uint8Array, offset: number, length: number, into: Ipv4Header): WireStatus {
  const status = checkIpv4(memory, offset, length);
  if (status !== WireStatus.ok) return status;
  const headerLength = (memory[offset] & 15) * 4;
  const totalLength = readU16(memory, offset + Ipv4At.totalLength);
  const fragment = readU16(memory, offset + Ipv4At.fragment);
  into.headerLength = headerLength;
  into.totalLength = totalLength;
  into.identification = readU16(memory, offset + 4);
  into.dontFragment = (fragment & DONT_FRAGMENT) !== 0;
  into.moreFragments = (fragment & MORE_FRAGMENTS) !== 0;
  into.fragmentOffset = (fragment & FRAGMENT_OFFSET_MASK) * 8;
  into.ttl = memory[offset + Ipv4At.ttl];
  into.protocol = memory[offset + Ipv4At.protocol];
  into.source = readU32(memory, offset + Ipv4At.source);
  into.destination = readU32(memory, offset + Ipv4At.destination);
  into.payloadOffset = offset + headerLength;
  into.payloadLength = totalLength - headerLength;
  return WireStatus.ok;
}

/** The same for a packet that an ICMP error quotes: it may be cut off behind its header (RFC 792, RFC 1812, 4.3.2.3). */
export function decodeQuotedIpv4(
  memory: Uint8Array,
  offset: number,
  length: number,
  into: Ipv4Header,
): WireStatus {
  if (length < IPV4_HEADER_BYTES) return WireStatus.truncated;
  // Of the packet itself nothing is read.
  const status = decodeIpv4(memory, offset, MAX_TOTAL_LENGTH, into);
  if (status !== WireStatus.ok) return status;
  const left = length - into.headerLength;
  if (left < 0) return WireStatus.truncated;
  if (into.payloadLength > left) into.payloadLength = left;
  return WireStatus.ok;
}

/** What {@link encodeIpv4} needs to know; no options, no fragment. */
export interface Ipv4Fields {
  source: number;
  destination: number;
  protocol: number;
  payloadLength: number;
  /** Default 64. */
  ttl?: number;
  /** Default 0; matters only to fragments. */
  identification?: number;
  /** Default true. */
  dontFragment?: boolean;
}

/** Writes an IPv4 header of 20 bytes with its checksum; returns the offset after it. */
export function encodeIpv4(memory: Uint8Array, offset: number, fields: Ipv4Fields): number {
  memory[offset] = 0x45;
  memory[offset + 1] = 0;
  writeU16(memory, offset + Ipv4At.totalLength, IPV4_HEADER_BYTES + fields.payloadLength);
  writeU16(memory, offset + 4, fields.identification ?? 0);
  writeU16(memory, offset + 6, (fields.dontFragment ?? true) ? DONT_FRAGMENT : 0);
  memory[offset + Ipv4At.ttl] = fields.ttl ?? 64;
  memory[offset + Ipv4At.protocol] = fields.protocol;
  writeU16(memory, offset + Ipv4At.checksum, 0);
  writeU32(memory, offset + Ipv4At.source, fields.source);
  writeU32(memory, offset + Ipv4At.destination, fields.destination);
  writeU16(memory, offset + Ipv4At.checksum, internetChecksum(memory, offset, IPV4_HEADER_BYTES));
  return offset + IPV4_HEADER_BYTES;
}

const IPV4_PATTERN = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/;

/**
 * Parses a dotted quad into an unsigned 32-bit number; `undefined` when it is none. Leading zeros are refused, because
 * some read them as octal.
 */
export function parseIpv4(text: string): number | undefined {
  if (!IPV4_PATTERN.test(text)) return undefined;
  let address = 0;
  for (const part of text.split('.')) {
    const byte = Number(part);
    if (byte > 255) return undefined;
    address = address * 256 + byte;
  }
  return address;
}

/** Formats 32 bits, signed or not, as a dotted quad. */
export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}
