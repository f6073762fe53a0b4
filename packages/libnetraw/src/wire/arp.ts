import { readU16, readU32, writeU16, writeU32 } from './bytes.js';
import { copyMac, encodeEthernet, ETHERNET_HEADER_BYTES, EtherType, MAC_BYTES } from './ethernet.js';
import { WireStatus } from './status.js';

/** Bytes of an ARP packet for IPv4 over Ethernet, without its Ethernet header (RFC 826). */
export const ARP_BYTES = 28;
/** Bytes of a whole ARP frame; a real NIC pads it to 60. */
export const ARP_FRAME_BYTES = ETHERNET_HEADER_BYTES + ARP_BYTES;

export const ArpOperation = { request: 1, reply: 2 } as const;

const HARDWARE_ETHERNET = 1;
const OPERATION_AT = 6;
const SENDER_MAC_AT = 8;
const SENDER_ADDRESS_AT = 14;
const TARGET_MAC_AT = 18;
const TARGET_ADDRESS_AT = 24;

/** A decoded ARP packet. Hardware addresses are given by offset, into the memory that was decoded. */
export class ArpHeader {
  /** 1 request, 2 reply; other numbers are possible on the wire. */
  operation = 0;
  senderMacOffset = 0;
  /** Unsigned 32-bit IPv4 address; 0 in a probe (RFC 5227). */
  senderAddress = 0;
  targetMacOffset = 0;
  /** Unsigned 32-bit IPv4 address. */
  targetAddress = 0;
}

/** Decodes ARP for IPv4 over Ethernet; other hardware or protocol types are `unsupported`. */
export function decodeArp(memory: Uint8Array, offset: number, length: number, into: ArpHeader): WireStatus {
  if (length < ARP_BYTES) return WireStatus.truncated;
  if (readU16(memory, offset) !== HARDWARE_ETHERNET) return WireStatus.unsupported;
  if (readU16(memory, offset + 2) !== EtherType.ipv4) return WireStatus.unsupported;
  if (memory[offset + 4] !== MAC_BYTES || memory[offset + 5] !== 4) return WireStatus.badHeaderLength;
  into.operation = readU16(memory, offset + OPERATION_AT);
  into.senderMacOffset = offset + SENDER_MAC_AT;
  into.senderAddress = readU32(memory, offset + SENDER_ADDRESS_AT);
  into.targetMacOffset = offset + TARGET_MAC_AT;
  into.targetAddress = readU32(memory, offset + TARGET_ADDRESS_AT);
  return WireStatus.ok;
}

/** What an ARP packet says. */
export interface ArpFields {
  operation: number;
  senderMac: Uint8Array;
  /** Unsigned 32-bit IPv4 address. */
  senderAddress: number;
  targetMac: Uint8Array;
  /** Unsigned 32-bit IPv4 address. */
  targetAddress: number;
}

/** Writes an ARP packet of 28 bytes; returns the offset after it. */
export function encodeArp(memory: Uint8Array, offset: number, fields: ArpFields): number {
  writeU16(memory, offset, HARDWARE_ETHERNET);
  writeU16(memory, offset + 2, EtherType.ipv4);
  memory[offset + 4] = MAC_BYTES;
  memory[offset + 5] = 4;
  writeU16(memory, offset + OPERATION_AT, fields.operation);
  copyMac(fields.senderMac, 0, memory, offset + SENDER_MAC_AT);
  writeU32(memory, offset + SENDER_ADDRESS_AT, fields.senderAddress);
  copyMac(fields.targetMac, 0, memory, offset + TARGET_MAC_AT);
  writeU32(memory, offset + TARGET_ADDRESS_AT, fields.targetAddress);
  return offset + ARP_BYTES;
}

/** A whole ARP frame from `source` to `destination`, without vnet header. */
export function arpFrame(destination: Uint8Array, source: Uint8Array, fields: ArpFields): Uint8Array {
  const frame = new Uint8Array(ARP_FRAME_BYTES);
  encodeArp(frame, encodeEthernet(frame, 0, destination, source, EtherType.arp), fields);
  return frame;
}
