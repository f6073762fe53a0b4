import type { BpfInstruction } from './bpf.js';
import { readI32 } from '../wire/index.js';

const ICMP = 1;
const ICMPV6 = 58;
/** Destination unreachable, source quench, redirect, time exceeded, parameter problem: RFC 792. */
const ICMP_ERRORS = [3, 4, 5, 11, 12];
/** RFC 4443: the types above it are no errors. */
const ICMPV6_LAST_ERROR = 127;
/** RFC 4861: router and neighbour solicitations and advertisements, redirects. */
const ICMPV6_DISCOVERY = { first: 133, last: 137 };
/** Of an ICMP or ICMPv6 error, before what it quotes. */
const ICMP_HEADER_BYTES = 8;
const IPV6_HEADER_BYTES = 40;
const FRAGMENT_OFFSET = 0x1fff;
/** Where the addresses are in the two headers. */
const AT4 = { source: 12, destination: 16 };
const AT6 = { source: 8, destination: 24 };

/** 2^32 divided by the golden ratio: the upper half of a product depends on every bit of the address. */
const MULTIPLIER = 0x9e37_79b1;

/** The hash of a client's IPv4 address, 16 bits, as programs of {@link clientHash} work it out. @param prefix4 how many leading bits count */
export function fanoutHash4(address: number, prefix4 = 32): number {
  return scatter(address & maskOf(prefix4, 0));
}

/** The same for the IPv6 address of 16 bytes at `offset`. */
export function fanoutHash6(memory: Uint8Array, offset: number, prefix6 = 128): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word ^= readI32(memory, offset + 4 * i) & maskOf(prefix6, i);
  return scatter(word);
}

function scatter(word: number): number {
  return Math.imul(word, MULTIPLIER) >>> 16;
}

/** Which bits of the word with this number belong to a prefix; unsigned. */
function maskOf(prefix: number, word: number): number {
  const bits = Math.min(32, Math.max(0, prefix - 32 * word));
  return bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
}

/** What is hashed, and what then. */
export interface Hashed {
  /** What to add to offsets from the IP header. */
  readonly base: number;
  /** Which end the client is. */
  readonly side: 'source' | 'destination';
  readonly prefix4: number;
  readonly prefix6: number;
  /** With the hash in the accumulator; must not run on. It may stand in the program several times. */
  readonly then: readonly BpfInstruction[];
  /** With what is neither IPv4 nor IPv6, and with neighbour discovery. */
  readonly other: readonly BpfInstruction[];
}

/**
 * Works out the hash of the client's address. An ICMP error counts for the client of the packet that it quotes; behind IPv6
 * extension headers it counts by its source.
 * @param scope makes the labels of this piece of a program its own
 */
export function clientHash(scope: string, hashed: Hashed): BpfInstruction[] {
  return [
    { op: 'loadByte', offset: hashed.base },
    { op: 'shiftRight', value: 4 },
    { op: 'jumpIfEqual', value: 4, then: `${scope}-4` },
    { op: 'jumpIfEqual', value: 6, then: `${scope}-6` },
    ...hashed.other,
    { op: 'label', name: `${scope}-4` },
    ...hashOf4(scope, hashed),
    { op: 'label', name: `${scope}-6` },
    ...hashOf6(scope, hashed),
  ];
}

function hashOf4(scope: string, { base, side, prefix4, then }: Hashed): BpfInstruction[] {
  const plain = `${scope}-4-plain`;
  const hash: BpfInstruction[] = [{ op: 'and', value: maskOf(prefix4, 0) }, ...SCATTER, ...then];
  // What quotes a packet to a client goes to its server; what quotes a client's packet goes to that client anyway.
  const quoted: BpfInstruction[] = [
    { op: 'loadHalf', offset: base + 6 },
    { op: 'jumpIfAnySet', value: FRAGMENT_OFFSET, then: plain },
    { op: 'loadByte', offset: base + 9 },
    { op: 'jumpIfEqual', value: ICMP, otherwise: plain },
    { op: 'indexHeaderLength', offset: base },
    { op: 'loadByteIndexed', offset: base },
    ...ICMP_ERRORS.map((value) => ({ op: 'jumpIfEqual', value, then: `${scope}-4-quoted` }) as const),
    { op: 'jump', to: plain },
    { op: 'label', name: `${scope}-4-quoted` },
    { op: 'loadWordIndexed', offset: base + ICMP_HEADER_BYTES + AT4.destination },
    ...hash,
  ];
  return [
    ...(side === 'source' ? quoted : []),
    { op: 'label', name: plain },
    { op: 'loadWord', offset: base + AT4[side] },
    ...hash,
  ];
}

function hashOf6(scope: string, { base, side, prefix6, then, other }: Hashed): BpfInstruction[] {
  const plain = `${scope}-6-plain`;
  const quotedAt = base + IPV6_HEADER_BYTES + ICMP_HEADER_BYTES + AT6.destination;
  const quoted: BpfInstruction[] = [
    { op: 'jumpIfGreater', value: ICMPV6_LAST_ERROR, then: plain },
    ...hashOfAddress6(quotedAt, prefix6),
    ...then,
  ];
  return [
    { op: 'loadByte', offset: base + 6 },
    { op: 'jumpIfEqual', value: ICMPV6, otherwise: plain },
    { op: 'loadByte', offset: base + IPV6_HEADER_BYTES },
    { op: 'jumpIfGreater', value: ICMPV6_DISCOVERY.last, then: plain },
    { op: 'jumpIfGreater', value: ICMPV6_DISCOVERY.first - 1, otherwise: `${scope}-6-other` },
    ...other,
    { op: 'label', name: `${scope}-6-other` },
    ...(side === 'source' ? quoted : []),
    { op: 'label', name: plain },
    ...hashOfAddress6(base + AT6[side], prefix6),
    ...then,
  ];
}

function hashOfAddress6(offset: number, prefix6: number): BpfInstruction[] {
  const words = [0, 1, 2, 3].flatMap((i): BpfInstruction[] => [
    ...(i === 0 ? [] : [{ op: 'toIndex' } as const]),
    { op: 'loadWord', offset: offset + 4 * i },
    { op: 'and', value: maskOf(prefix6, i) },
    ...(i === 0 ? [] : [{ op: 'xorIndex' } as const]),
  ]);
  return [...words, ...SCATTER];
}

const SCATTER: readonly BpfInstruction[] = [
  { op: 'multiply', value: MULTIPLIER },
  { op: 'shiftRight', value: 16 },
];
