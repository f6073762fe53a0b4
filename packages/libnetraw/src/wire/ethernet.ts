import { readU16, writeU16 } from './bytes.js';
import { WireStatus } from './status.js';

/** Bytes of a hardware address. */
export const MAC_BYTES = 6;
/** Bytes of an untagged Ethernet II header: destination, source, EtherType. */
export const ETHERNET_HEADER_BYTES = 14;
/** Bytes that an 802.1Q tag adds. */
export const VLAN_TAG_BYTES = 4;

/** EtherTypes (IEEE 802 numbers) that somebody here asks for. */
export const EtherType = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  serviceVlan: 0x88a8,
} as const;

/** A decoded Ethernet header. Create one and let {@link decodeEthernet} fill it again and again. */
export class EthernetHeader {
  /** EtherType, or a length when below 0x600 (IEEE 802.3). Of a tagged frame: the tag's own, `vlan` or `serviceVlan`. */
  etherType = 0;
  /** Where the payload begins, in the same memory. */
  payloadOffset = 0;
  /** Bytes after the header, including any padding to the minimum frame size. */
  payloadLength = 0;
}

/** Decodes the Ethernet header of the frame at `offset`. The addresses stay where they are: at `offset` and `offset + 6`. */
export function decodeEthernet(
  memory: Uint8Array,
  offset: number,
  length: number,
  into: EthernetHeader,
): WireStatus {
  if (length < ETHERNET_HEADER_BYTES) return WireStatus.truncated;
  into.etherType = readU16(memory, offset + 12);
  into.payloadOffset = offset + ETHERNET_HEADER_BYTES;
  into.payloadLength = length - ETHERNET_HEADER_BYTES;
  return WireStatus.ok;
}

/** Writes an Ethernet header of 14 bytes; returns the offset after it. */
export function encodeEthernet(
  memory: Uint8Array,
  offset: number,
  destination: Uint8Array,
  source: Uint8Array,
  etherType: number,
): number {
  copyMac(destination, 0, memory, offset);
  copyMac(source, 0, memory, offset + MAC_BYTES);
  writeU16(memory, offset + 12, etherType);
  return offset + ETHERNET_HEADER_BYTES;
}

/** Copies six bytes. Written out, because `set` would need a view, which is an allocation. */
export function copyMac(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number): void {
  to[toOffset] = from[fromOffset];
  to[toOffset + 1] = from[fromOffset + 1];
  to[toOffset + 2] = from[fromOffset + 2];
  to[toOffset + 3] = from[fromOffset + 3];
  to[toOffset + 4] = from[fromOffset + 4];
  to[toOffset + 5] = from[fromOffset + 5];
}

/** Whether the six bytes at the two places are the same. */
export function macEquals(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): boolean {
  return (
    a[aOffset + 5] === b[bOffset + 5] &&
    a[aOffset + 4] === b[bOffset + 4] &&
    a[aOffset + 3] === b[bOffset + 3] &&
    a[aOffset + 2] === b[bOffset + 2] &&
    a[aOffset + 1] === b[bOffset + 1] &&
    a[aOffset] === b[bOffset]
  );
}

/** Orders two hardware addresses as numbers: negative, zero or positive, for `sort`. */
export function compareMac(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < MAC_BYTES; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return 0;
}

/** Whether the address at `offset` is a group address: broadcast or multicast (the lowest bit of its first byte). */
export function isGroupMac(memory: Uint8Array, offset: number): boolean {
  return (memory[offset] & 1) === 1;
}

/** Whether the address at `offset` is all zero, which is the loopback device's. */
export function isZeroMac(memory: Uint8Array, offset: number): boolean {
  for (let i = 0; i < MAC_BYTES; i++) {
    if (memory[offset + i] !== 0) return false;
  }
  return true;
}

const MAC_PATTERN = /^[0-9a-f]{1,2}(?:[:-][0-9a-f]{1,2}){5}$/i;

/** Parses `02:52:4d:00:00:64` (or with dashes); `undefined` when it is not a hardware address. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!MAC_PATTERN.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/), (digits) => Number.parseInt(digits, 16));
}

/** Formats the six bytes at `offset` as `02:52:4d:00:00:64`. */
export function formatMac(memory: Uint8Array, offset = 0): string {
  const parts: string[] = [];
  for (let i = 0; i < MAC_BYTES; i++) parts.push(memory[offset + i].toString(16).padStart(2, '0'));
  return parts.join(':');
}
