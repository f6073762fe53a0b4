/**
 * A connection's record: nine 32-bit words in one `Int32Array`, so that a packet touches one or two cache lines of it.
 *
 * ```
 *  0  client address
 *  1  client port << 16 | service port
 *  2  cluster index << 24 | protocol << 16 | server slot << 8 | state      (state 0: the slot is free)
 *  3  last seen, ms, modulo 2^32
 *  4  packets, modulo 2^32
 *  5  bytes, low word
 *  6  bytes, high word
 *  7  next older of the same state (half-open and closing only)
 *  8  next newer of the same state; of a free slot: the next free one
 * ```
 */
export const RECORD_WORDS = 9;

export const Word = {
  client: 0,
  ports: 1,
  tag: 2,
  lastSeen: 3,
  packets: 4,
  bytesLow: 5,
  bytesHigh: 6,
  older: 7,
  newer: 8,
} as const;

/** The part of the tag word that belongs to the key: cluster index and protocol. */
export const KEY_MASK = 0xffff0000 | 0;

/** States of a connection as the dispatcher sees it, which in direct return is the client's half only. */
export const ConnectionState = {
  /** The client's SYN was seen. */
  halfOpen: 1,
  /** The client has acknowledged, or a datagram came. */
  established: 2,
  /** The client's FIN or RST was seen; what follows is still forwarded. */
  closing: 3,
} as const;

export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** The key word of cluster and protocol, for {@link Word.tag}. */
export function keyTag(clusterIndex: number, protocol: number): number {
  return (clusterIndex << 24) | (protocol << 16);
}

/** The key word of the two ports, for {@link Word.ports}. */
export function keyPorts(clientPort: number, port: number): number {
  return (clientPort << 16) | port;
}
