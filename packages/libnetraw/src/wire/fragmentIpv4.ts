import { readU16, writeU16 } from './bytes.js';
import { internetChecksum } from './checksum.js';
import { IPV4_HEADER_BYTES, Ipv4At } from './ipv4.js';

const FRAGMENT_AT = 6;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;
/** The bit of an option's first byte that says that it belongs into every fragment (RFC 791, section 3.1). */
const COPIED = 0x80;
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;

/**
 * Cuts an IPv4 packet into fragments of at most `mtuBytes`, as a router does whose next link is smaller (RFC 791, section
 * 3.2); for ways out that send no larger packet, such as a raw IP socket. Its transport checksum must be complete. A packet
 * that fits, must not be cut, or is none, comes back as it is. Allocates: not for the packet path.
 */
export function fragmentIpv4(packet: Uint8Array, mtuBytes: number): Uint8Array[] {
  const headerBytes = (packet[0] & 15) * 4;
  const isCut = packet.length > mtuBytes && packet[0] >>> 4 === 4 && headerBytes >= IPV4_HEADER_BYTES;
  if (!isCut || (readU16(packet, FRAGMENT_AT) & DONT_FRAGMENT) !== 0) return [packet];
  const first = packet.subarray(0, headerBytes);
  const later = withCopiedOptions(first);
  const word = readU16(packet, FRAGMENT_AT);
  const fragments: Uint8Array[] = [];
  let header = first;
  for (let at = headerBytes; at < packet.length; header = later) {
    // All but the last part are counted in units of eight bytes.
    const room = (mtuBytes - header.length) & ~7;
    if (room < 8) return [packet];
    const end = packet.length - at <= mtuBytes - header.length ? packet.length : at + room;
    const offset = (word & OFFSET_MASK) + (at - headerBytes) / 8;
    const more = end < packet.length ? MORE_FRAGMENTS : word & MORE_FRAGMENTS;
    fragments.push(fragmentOf(header, packet.subarray(at, end), offset | more));
    at = end;
  }
  return fragments;
}

function fragmentOf(header: Uint8Array, payload: Uint8Array, fragmentWord: number): Uint8Array {
  const fragment = new Uint8Array(header.length + payload.length);
  fragment.set(header);
  fragment.set(payload, header.length);
  fragment[0] = 0x40 | (header.length / 4);
  writeU16(fragment, Ipv4At.totalLength, fragment.length);
  writeU16(fragment, FRAGMENT_AT, fragmentWord);
  writeU16(fragment, Ipv4At.checksum, 0);
  writeU16(fragment, Ipv4At.checksum, internetChecksum(fragment, 0, header.length));
  return fragment;
}

/** The header of later fragments: only some options are repeated. Options that contradict themselves end the list. */
function withCopiedOptions(header: Uint8Array): Uint8Array {
  const kept: number[] = [];
  let at = IPV4_HEADER_BYTES;
  while (at < header.length && header[at] !== END_OF_OPTIONS) {
    const length = header[at] === NO_OPERATION ? 1 : header[at + 1];
    if (length === undefined || length < 1 || at + length > header.length) break;
    if ((header[at] & COPIED) !== 0) kept.push(...header.subarray(at, at + length));
    at += length;
  }
  while (kept.length % 4 !== 0) kept.push(END_OF_OPTIONS);
  return Uint8Array.from([...header.subarray(0, IPV4_HEADER_BYTES), ...kept]);
}
