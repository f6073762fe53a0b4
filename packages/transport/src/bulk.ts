import { randomBytes } from 'node:crypto';
import type { Cryptography } from '@ringmaster/ring';
import { EPOCH_BYTES, openEnvelope, decodeEnvelope, sealPacket, TAG_BYTES } from '@ringmaster/ring';

/**
 * Bulk data between two members (connection lists) under the cluster key, over a byte stream: records of a 4-byte
 * length and a sealed packet. Both sides put a fresh random number into the exchange (the request's nonce comes back
 * in every answer), so that a recorded answer is worth nothing; the counter puts records in order.
 */
export const MAX_RECORD_BYTES = 1 << 20;
const LENGTH_BYTES = 4;
const MIN_RECORD_BYTES = 14 + TAG_BYTES;

/** Seals records of one direction of one stream. Without cryptography records go out plain. */
export class RecordWriter {
  private readonly cryptography: Cryptography | undefined;
  private readonly epoch = randomBytes(EPOCH_BYTES);
  private counter = 0;

  constructor(cryptography: Cryptography | undefined) {
    this.cryptography = cryptography;
  }

  write(payload: Uint8Array): Buffer {
    const plain = Buffer.concat([Uint8Array.of(1), payload]);
    const record = this.cryptography
      ? sealPacket(plain, this.epoch, ++this.counter, this.cryptography)
      : plain;
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(record.length);
    return Buffer.concat([length, record]);
  }
}

export type RecordResult = { readonly ok: true; readonly payloads: Uint8Array[] } | { readonly ok: false };

/** Takes a byte stream apart again. One wrong record and the stream is not to be believed any more. */
export class RecordReader {
  private readonly cryptography: Cryptography | undefined;
  /** What has come and has not been handed out lies between `start` and `end`. */
  private buffer: Buffer = Buffer.alloc(0);
  private start = 0;
  private end = 0;
  private epoch: string | undefined;
  private counter = 0;

  constructor(cryptography: Cryptography | undefined) {
    this.cryptography = cryptography;
  }

  push(chunk: Uint8Array): RecordResult {
    this.append(chunk);
    const payloads: Uint8Array[] = [];
    while (this.end - this.start >= LENGTH_BYTES) {
      const length = this.buffer.readUInt32BE(this.start);
      if (length > MAX_RECORD_BYTES || length < 1) return { ok: false };
      const from = this.start + LENGTH_BYTES;
      if (this.end < from + length) break;
      const payload = this.open(this.buffer.subarray(from, from + length));
      if (!payload) return { ok: false };
      payloads.push(payload);
      this.start = from + length;
    }
    return { ok: true, payloads };
  }

  /**
   * Room grows by doubling, so that a record that comes byte by byte costs no more than one that comes whole. It is never
   * used twice: payloads may still point into it.
   */
  private append(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.buffer.length) {
      const rest = this.end - this.start;
      const grown = Buffer.alloc(2 * (rest + chunk.length));
      this.buffer.copy(grown, 0, this.start, this.end);
      this.buffer = grown;
      this.start = 0;
      this.end = rest;
    }
    this.buffer.set(chunk, this.end);
    this.end += chunk.length;
  }

  private open(record: Uint8Array): Uint8Array | undefined {
    if (!this.cryptography) return record[0] === 1 ? record.subarray(1) : undefined;
    if (record.length < MIN_RECORD_BYTES) return undefined;
    const envelope = decodeEnvelope(record);
    if (!envelope || envelope.counter !== this.counter + 1) return undefined;
    if (this.epoch !== undefined && envelope.epoch !== this.epoch) return undefined;
    const plain = openEnvelope(envelope, this.cryptography);
    if (!plain) return undefined;
    this.epoch = envelope.epoch;
    this.counter = envelope.counter;
    return plain.subarray(1);
  }
}
