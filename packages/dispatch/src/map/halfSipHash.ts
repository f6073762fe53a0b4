/**
 * HalfSipHash-1-3: a keyed hash of 32 bits, made for hash tables whose keys strangers choose (Aumasson and Bernstein;
 * the kernel keys its own tables with it on 32-bit machines). Without the key nobody can aim connections at one place of
 * the connection map.
 */

const INIT_2 = 0x6c796765;
const INIT_3 = 0x74656462;
/** The word that ends a message of 12 bytes. */
const LENGTH_3 = 12 << 24;

/**
 * The hash of three 32-bit words under the key (`key0`, `key1`): that of their 12 little-endian bytes. Signed result.
 *
 * Written out, round after round: the state stays in registers, which an array or an object would not, and no round asks
 * which one it is. Every packet pays for this function; as a loop over the words it takes more than twice as long.
 */
export function halfSipHash3(key0: number, key1: number, a: number, b: number, c: number): number {
  let v0 = key0;
  let v1 = key1;
  let v2 = INIT_2 ^ key0;
  let v3 = INIT_3 ^ key1 ^ a;
  v0 = (v0 + v1) | 0;
  v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
  v0 = (v0 << 16) | (v0 >>> 16);
  v2 = (v2 + v3) | 0;
  v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
  v2 = (v2 << 16) | (v2 >>> 16);
  v0 ^= a;
  v3 ^= b;
  v0 = (v0 + v1) | 0;
  v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
  v0 = (v0 << 16) | (v0 >>> 16);
  v2 = (v2 + v3) | 0;
  v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
  v2 = (v2 << 16) | (v2 >>> 16);
  v0 ^= b;
  v3 ^= c;
  v0 = (v0 + v1) | 0;
  v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
  v0 = (v0 << 16) | (v0 >>> 16);
  v2 = (v2 + v3) | 0;
  v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
  v2 = (v2 << 16) | (v2 >>> 16);
  v0 ^= c;
  v3 ^= LENGTH_3;
  v0 = (v0 + v1) | 0;
  v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
  v0 = (v0 << 16) | (v0 >>> 16);
  v2 = (v2 + v3) | 0;
  v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
  v2 = (v2 << 16) | (v2 >>> 16);
  v0 ^= LENGTH_3;
  v2 ^= 0xff;
  for (let last = 0; last < 3; last++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return v1 ^ v3;
}

/** The same of six words: a client's IPv6 address, ports and tag. */
export function halfSipHash6(
  key0: number,
  key1: number,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
): number {
  let v0 = key0;
  let v1 = key1;
  let v2 = INIT_2 ^ key0;
  let v3 = INIT_3 ^ key1;
  // Six message words, the length word (24 bytes), then three rounds to finish.
  for (let round = 0; round < 10; round++) {
    let word = 0;
    if (round === 0) word = a;
    else if (round === 1) word = b;
    else if (round === 2) word = c;
    else if (round === 3) word = d;
    else if (round === 4) word = e;
    else if (round === 5) word = f;
    else if (round === 6) word = 24 << 24;
    else if (round === 7) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}

/** Spreads the bits of a word (the finalizer of MurmurHash3), so that small seeds make unlike keys. */
export function mix32(word: number): number {
  let mixed = word | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
