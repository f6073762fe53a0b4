/**
 * A connection's record: 32-bit words in one `Int32Array`, nine of them in IPv4 and twelve in IPv6, so that a packet
 * touches one or two cache lines of it.
 *
 * ```
 *  0  client port << 16 | service port
 *  1  cluster index << 24 | protocol << 16 | server slot << 8 | state      (state 0: the slot is free)
 *  2  last seen, ms, modulo 2^32; of half-open UDP: first seen
 *  3  packets, modulo 2^32
 *  4  bytes, low word
 *  5  next hop << 24 | server's FIN << 23 | client's FIN << 22 | bytes, high word    (all but the bytes: L4/3 only)
 *  6  next older of the same state (half-open and closing only)
 *  7  next newer of the same state; of a free slot: the next free one
 *  8  client address, in IPv6 8 to 11
 * ```
 */
export const Word = {
  ports: 0,
  tag: 1,
  lastSeen: 2,
  packets: 3,
  bytesLow: 4,
  bytesHigh: 5,
  older: 6,
  newer: 7,
  client: 8,
} as const;

/** The address families that a map may be for. */
export type AddressFamily = 4 | 6;

/** Words of a record. */
export function recordWordsOf(family: AddressFamily): number {
  return Word.client + (family === 4 ? 1 : 4);
}

/** The part of {@link Word.bytesHigh} that counts bytes. */
export const BYTES_HIGH_MASK = 0x003fffff;
/** Where in the same word the next hop's number stands. */
export const HOP_SHIFT = 24;
/** Bits of the same word: who has sent its FIN. */
export const FinBit = { client: 1 << 22, server: 1 << 23 } as const;
export type FinBit = (typeof FinBit)[keyof typeof FinBit];

/** The part of the tag word that belongs to the key: cluster index and protocol. */
export const KEY_MASK = 0xffff0000 | 0;

/** States of a connection as the dispatcher sees it, which in direct return (L4/2) is the client's half only. */
export const ConnectionState = {
  /** The client's SYN was seen, or its first datagram. */
  halfOpen: 1,
  /** The client has acknowledged, or goes on sending datagrams, or in L4/3 was answered one. */
  established: 2,
  /** The client's FIN was seen, in L4/3 both sides', or a RST; what follows is still forwarded. */
  closing: 3,
} as const;

export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];
