/**
 * The question "which connections do you hold?" (S9), asked over TCP on the ring port, in sealed records:
 *
 *   request   version (1) nonce (16)
 *   answer    nonce (16) kind (1) rows
 *
 * The first answer is `accepted` and has no rows: it tells, before the kernel has been asked, that an answer will come.
 * Then `rows` (IPv4) and `rows6` as many times as needed, and `end`. The nonce binds answers to the question.
 *
 * Version 1 knows IPv4 only. Version 2 says that the asker takes `rows6` as well; it is used by clusters that have an IPv6
 * address, which nodes of version 1 cannot be members of.
 */
export const ExchangeVersion = { ipv4: 1, both: 2 } as const;
export type ExchangeVersion = (typeof ExchangeVersion)[keyof typeof ExchangeVersion];

export const NONCE_BYTES = 16;
export const REQUEST_BYTES = 1 + NONCE_BYTES;
export const ANSWER_HEAD_BYTES = NONCE_BYTES + 1;
/** Rows in one record: about half of the largest record that a reader takes, or less. */
export const ROWS_PER_RECORD = { 4: 32_768, 6: 8192 } as const;

export const AnswerKind = { accepted: 0, rows: 1, end: 2, rows6: 3 } as const;

export interface Request {
  readonly version: ExchangeVersion;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
}

export function encodeRequest({ version, nonce }: Request): Uint8Array {
  return Buffer.concat([Uint8Array.of(version), nonce]);
}

/** A request again; `undefined` when it is none, or of a version that is not known here. */
export function decodeRequest(bytes: Uint8Array): Request | undefined {
  if (bytes.length !== REQUEST_BYTES) return undefined;
  const version = Object.values(ExchangeVersion).find((known) => known === bytes[0]);
  return version && { version, nonce: new Uint8Array(bytes.subarray(1)) };
}
