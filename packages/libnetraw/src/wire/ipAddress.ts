import { readU16, writeU16, writeU32 } from './bytes.js';
import { formatIpv4, parseIpv4 } from './ipv4.js';

/** Bytes of an IPv6 address. */
export const IPV6_ADDRESS_BYTES = 16;

/** An IPv4 address as an unsigned 32-bit number, or the 16 bytes of an IPv6 one in network order. */
export type IpAddress = number | Uint8Array;

const GROUPS = 8;
const GROUP_PATTERN = /^[0-9a-f]{1,4}$/i;

/** Parses `10.0.0.1` or `2001:db8::1`; `undefined` when it is neither. A zone (`%eth0`) is no part of an address. */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** Parses an IPv6 address (RFC 4291, section 2.2) into its 16 bytes; `undefined` when it is none. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = GROUPS - head.length - tail.length;
  // "::" stands for at least one group of zeros.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const address = new Uint8Array(IPV6_ADDRESS_BYTES);
  head.forEach((group, n) => writeU16(address, 2 * n, group));
  tail.forEach((group, n) => writeU16(address, 2 * (head.length + missing + n), group));
  return address;
}

/** The 16-bit groups of one side of "::"; its last 32 bits may be a dotted quad where the address ends. */
function parseGroups(text: string, atEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [n, part] of parts.entries()) {
    if (GROUP_PATTERN.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const quad = atEnd && n === parts.length - 1 ? parseIpv4(part) : undefined;
    if (quad === undefined) return undefined;
    groups.push(quad >>> 16, quad & 0xffff);
  }
  return groups;
}

/** Formats as `10.0.0.1`, or as RFC 5952 wants IPv6: lower case, the longest run of zero groups as "::". */
export function formatIp(address: IpAddress): string {
  return typeof address === 'number' ? formatIpv4(address) : formatIpv6(address);
}

/** Formats the 16 bytes at `offset` (RFC 5952). An IPv4-mapped address shows its dotted quad. */
export function formatIpv6(memory: Uint8Array, offset = 0): string {
  const groups = Array.from({ length: GROUPS }, (_, n) => readU16(memory, offset + 2 * n));
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return `::ffff:${formatIpv4((groups[6] << 16) | groups[7])}`;
  }
  const { start, length } = longestZeroRun(groups);
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  if (length < 2) return text(0, GROUPS);
  return `${text(0, start)}::${text(start + length, GROUPS)}`;
}

/** Of equally long ones the first. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < GROUPS; start++) {
    let end = start;
    while (end < GROUPS && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

/** Whether two addresses are the same; one of each family never are. */
export function ipEquals(one: IpAddress, other: IpAddress): boolean {
  if (typeof one === 'number' || typeof other === 'number') return one === other;
  return ipv6Equals(one, 0, other, 0);
}

/** Whether the 16 bytes at the two places are the same. */
export function ipv6Equals(
  one: Uint8Array,
  oneOffset: number,
  other: Uint8Array,
  otherOffset: number,
): boolean {
  for (let i = IPV6_ADDRESS_BYTES - 1; i >= 0; i--) {
    if (one[oneOffset + i] !== other[otherOffset + i]) return false;
  }
  return true;
}

/** Whether it is a number or bytes that can be an address at all. */
export function isIpAddress(address: IpAddress): boolean {
  return typeof address === 'number' ? address >>> 0 === address : address.length === IPV6_ADDRESS_BYTES;
}

/** Writes the 4 or 16 bytes of an address; returns the offset after them. */
export function writeIp(memory: Uint8Array, offset: number, address: IpAddress): number {
  if (typeof address === 'number') {
    writeU32(memory, offset, address);
    return offset + 4;
  }
  memory.set(address, offset);
  return offset + IPV6_ADDRESS_BYTES;
}
