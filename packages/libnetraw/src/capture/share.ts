import assert from 'node:assert/strict';
import type { BpfInstruction } from './bpf.js';
import { fanoutHash4, fanoutHash6, clientHash } from './clientHash.js';

/** Clients are in so many buckets, by the hash of their address: enough that shares of them are even within some hundredths. */
export const BUCKETS = 4096;
const WORDS = BUCKETS / 32;
/** Words that one row of tests can tell apart: a test reaches 255 instructions far. */
const ROW = 16;

/** The part of the clients whose frames are wanted. */
export interface ClientShare {
  /** A bit for each of the {@link BUCKETS}: bucket 33 is bit 1 of the second word. */
  readonly buckets: readonly number[];
  /** Only so many leading bits of a client's address count. Default all. */
  readonly prefix4?: number;
  readonly prefix6?: number;
}

/** The bucket of a client with this IPv4 address. */
export const bucketOf4 = (address: number, prefix4 = 32): number => fanoutHash4(address, prefix4) % BUCKETS;

/** The bucket of the client whose IPv6 address stands at `offset`. */
export const bucketOf6 = (memory: Uint8Array, offset: number, prefix6 = 128): number =>
  fanoutHash6(memory, offset, prefix6) % BUCKETS;

/** A share of these buckets. */
export function bucketWords(buckets: Iterable<number>): number[] {
  const words = new Uint32Array(WORDS);
  for (const bucket of buckets) words[bucket >>> 5] |= 1 << (bucket & 31);
  return [...words];
}

/**
 * Goes to the label `taken` with a frame from a client of the share, and else rejects it. What is neither IPv4 nor IPv6, and
 * neighbour discovery, goes to `other`.
 * @param base where the IP header begins
 */
export function takeShare(
  { buckets, prefix4 = 32, prefix6 = 128 }: ClientShare,
  base: number,
  taken: string,
  other: string,
): BpfInstruction[] {
  assert.equal(buckets.length, WORDS, `a share has ${WORDS} words`);
  return [
    ...clientHash('share', {
      ...{ base, side: 'source', prefix4, prefix6 },
      then: [{ op: 'jump', to: 'share-found' }],
      other: [{ op: 'jump', to: other }],
    }),
    { op: 'label', name: 'share-found' },
    { op: 'store', slot: 0 },
    { op: 'and', value: 31 },
    { op: 'toIndex' },
    { op: 'loadStored', slot: 0 },
    { op: 'and', value: BUCKETS - 1 },
    { op: 'shiftRight', value: 5 },
    { op: 'store', slot: 0 },
    { op: 'shiftRight', value: Math.log2(ROW) },
    ...Array.from({ length: WORDS / ROW }, (_, row) => jumpToRow(row)).flat(),
    { op: 'reject' },
    ...Array.from({ length: WORDS / ROW }, (_, row) => loadFromRow(row, buckets)).flat(),
    { op: 'label', name: 'share-bit' },
    { op: 'shiftRightIndex' },
    { op: 'jumpIfAnySet', value: 1, then: 'share-taken' },
    { op: 'reject' },
    { op: 'label', name: 'share-taken' },
    { op: 'jump', to: taken },
  ];
}

/** The row's number is in the accumulator, that of the word in the scratch memory. */
function jumpToRow(row: number): BpfInstruction[] {
  return [
    { op: 'jumpIfEqual', value: row, otherwise: `share-not-row-${row}` },
    { op: 'jump', to: `share-row-${row}` },
    { op: 'label', name: `share-not-row-${row}` },
  ];
}

function loadFromRow(row: number, buckets: readonly number[]): BpfInstruction[] {
  const words = buckets.slice(row * ROW, (row + 1) * ROW);
  return [
    { op: 'label', name: `share-row-${row}` },
    { op: 'loadStored', slot: 0 },
    { op: 'and', value: ROW - 1 },
    ...words.map((_, i) => ({ op: 'jumpIfEqual', value: i, then: `share-word-${row}-${i}` }) as const),
    { op: 'reject' },
    ...words.flatMap((word, i): BpfInstruction[] => [
      { op: 'label', name: `share-word-${row}-${i}` },
      { op: 'loadConstant', value: word >>> 0 },
      { op: 'jump', to: 'share-bit' },
    ]),
  ];
}
