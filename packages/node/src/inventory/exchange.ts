/**
 * The question "which connections do you hold?" (S9), asked over TCP on the ring port, in sealed records:
 *
 *   request   version (1) nonce (16)
 *   answer    nonce (16) kind (1) rows
 *
 * The first answer is `accepted` and has no rows: it tells, before the kernel has been asked, that an answer will come.
 * Then `rows` as many times as needed, and `end`. The nonce binds answers to the question.
 */
export const EXCHANGE_VERSION = 1;
export const NONCE_BYTES = 16;
export const REQUEST_BYTES = 1 + NONCE_BYTES;
export const ANSWER_HEAD_BYTES = NONCE_BYTES + 1;
/** Rows in one record: about half of the largest record that a reader takes. */
export const ROWS_PER_RECORD = 32_768;

export const AnswerKind = { accepted: 0, rows: 1, end: 2 } as const;

export function encodeRequest(nonce: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(EXCHANGE_VERSION), nonce]);
}

/** The nonce of a request, `undefined` when it is none. */
export function decodeRequest(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length !== REQUEST_BYTES || bytes[0] !== EXCHANGE_VERSION) return undefined;
  return bytes.slice(1);
}
