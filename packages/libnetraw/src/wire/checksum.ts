/**
 * The internet checksum (RFC 1071) and its incremental update (RFC 1624).
 *
 * Two forms stand in packets. A *full* checksum is the complement of the sum. A *partial* one - the kernel's
 * CHECKSUM_PARTIAL, the vnet header's "needs checksum" - is the plain, not complemented, sum of the pseudo header alone;
 * the NIC, or the receiving kernel, adds the rest. A rewrite of addresses therefore updates the two with opposite signs,
 * and a rewrite of ports must not touch a partial sum at all, because ports are not in the pseudo header.
 */
import { readU16 } from './bytes.js';

/** Folds a sum of 16-bit words (below 2^48) into 16 bits with end-around carry. Zero only when the sum is zero. */
export function foldSum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = Math.floor(folded / 0x10000) + (folded & 0xffff);
  return folded;
}

/** The unfolded one's complement sum of a range; an odd last byte counts as if a zero followed (RFC 1071). */
export function sumBytes(memory: Uint8Array, offset: number, length: number, initial = 0): number {
  let sum = initial;
  const end = offset + length - 1;
  let at = offset;
  for (; at < end; at += 2) sum += readU16(memory, at);
  if (at === end) sum += memory[at] << 8;
  return sum;
}

/** The full checksum of a range, continuing an `initial` sum such as a pseudo header's. */
export function internetChecksum(memory: Uint8Array, offset: number, length: number, initial = 0): number {
  return ~foldSum(sumBytes(memory, offset, length, initial)) & 0xffff;
}

function sumOfWord32(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}

/** The unfolded sum of the IPv4 pseudo header of TCP and UDP (RFC 9293, RFC 768). `length` is header and payload. */
export function pseudoHeaderSum4(
  source: number,
  destination: number,
  protocol: number,
  length: number,
): number {
  return sumOfWord32(source) + sumOfWord32(destination) + protocol + length;
}

/** The unfolded sum of the IPv6 pseudo header (RFC 8200): addresses of 16 bytes at two offsets of `memory`. */
export function pseudoHeaderSum6(
  memory: Uint8Array,
  sourceOffset: number,
  destinationOffset: number,
  protocol: number,
  length: number,
): number {
  return (
    sumBytes(memory, sourceOffset, 16) +
    sumBytes(memory, destinationOffset, 16) +
    protocol +
    sumOfWord32(length)
  );
}

/** The full checksum after one 16-bit word of the summed bytes changed (RFC 1624, equation 3). */
export function updateChecksum16(checksum: number, oldWord: number, newWord: number): number {
  return ~updatePartialSum16(~checksum & 0xffff, oldWord, newWord) & 0xffff;
}

/** The full checksum after one aligned 32-bit word (signed or not) changed. */
export function updateChecksum32(checksum: number, oldWord: number, newWord: number): number {
  return ~updatePartialSum32(~checksum & 0xffff, oldWord, newWord) & 0xffff;
}

/** A partial sum after one 16-bit word of the pseudo header changed. */
export function updatePartialSum16(sum: number, oldWord: number, newWord: number): number {
  return foldSum(sum + (~oldWord & 0xffff) + newWord);
}

/** A partial sum after one 32-bit word of the pseudo header, such as an address, changed. */
export function updatePartialSum32(sum: number, oldWord: number, newWord: number): number {
  return foldSum(sum + sumOfWord32(~oldWord) + sumOfWord32(newWord));
}

/** UDP writes a checksum that came out as zero as all ones, because zero means "none" (RFC 768). */
export function udpChecksumOnWire(checksum: number): number {
  return checksum === 0 ? 0xffff : checksum;
}
