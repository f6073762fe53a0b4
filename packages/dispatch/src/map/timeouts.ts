/** For how long a connection may be idle, by its state, before garbage collection takes it. Milliseconds. */
export interface Timeouts {
  /** Default 60 s: the fifth retransmission of a SYN comes after 31 s. */
  halfOpenMs: number;
  /** Default 7,440 s, the least that RFC 5382 (REQ-5) grants an established connection. */
  establishedMs: number;
  /** Default 240 s, the least that RFC 5382 (REQ-5) grants a transitory one. */
  closingMs: number;
  /** Default 300 s, as RFC 4787 (REQ-5) recommends for UDP. */
  udpMs: number;
  /** Of a UDP client that has not gone on sending. Default 30 s; a resolver repeats its question after five. */
  udpHalfOpenMs: number;
}

export const defaultTimeouts: Timeouts = {
  halfOpenMs: 60_000,
  establishedMs: 7_440_000,
  closingMs: 240_000,
  udpMs: 300_000,
  udpHalfOpenMs: 30_000,
};

/** Last-seen times are kept modulo 2^32 ms, so an age must stay well below half of that. */
export const MAX_TIMEOUT_MS = 2 ** 30;

/** The defaults with the given ones over them; throws on what cannot be kept. */
export function completeTimeouts(given: Partial<Timeouts> = {}): Timeouts {
  const timeouts = { ...defaultTimeouts, ...given };
  for (const [name, ms] of Object.entries(timeouts)) {
    if (!(ms > 0 && ms <= MAX_TIMEOUT_MS))
      throw new RangeError(`${name} must be between 1 and ${MAX_TIMEOUT_MS}`);
  }
  return timeouts;
}
