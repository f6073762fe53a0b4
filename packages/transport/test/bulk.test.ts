import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RECORD_BYTES, NodeCryptography, RecordReader, RecordWriter } from '../src/index.js';

const key = randomBytes(32);
const sealed = (): NodeCryptography => new NodeCryptography([key], 'bulk');

function readAll(reader: RecordReader, stream: Uint8Array, chunkBytes: number): Uint8Array[] | undefined {
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += chunkBytes) {
    const result = reader.push(stream.subarray(at, at + chunkBytes));
    if (!result.ok) return undefined;
    payloads.push(...result.payloads);
  }
  return payloads;
}

describe.each([
  ['sealed', sealed],
  ['plain', () => undefined],
])('records over a stream, %s', (_, cryptography) => {
  it('come back whole, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 10 }),
        fc.integer({ min: 1, max: 400 }),
        (payloads, chunkBytes) => {
          const writer = new RecordWriter(cryptography());
          const stream = Buffer.concat(payloads.map((p) => writer.write(p)));
          const back = readAll(new RecordReader(cryptography()), stream, chunkBytes);
          expect(back?.map((p) => [...p])).toEqual(payloads.map((p) => [...p]));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('of the largest size come byte by byte, with work in proportion to their bytes', () => {
    const largest = new Uint8Array(MAX_RECORD_BYTES - 64).fill(7);
    const [stream, reader] = [
      new RecordWriter(cryptography()).write(largest),
      new RecordReader(cryptography()),
    ];
    const back = readAll(reader, stream, 1);
    expect(back?.map((payload) => payload.length)).toEqual([largest.length]);
  });

  it('refuse a length that cannot be', () => {
    const reader = new RecordReader(cryptography());
    expect(reader.push(Uint8Array.of(0xff, 0, 0, 0)).ok).toBe(false);
    expect(new RecordReader(cryptography()).push(Uint8Array.of(0, 0, 0, 0)).ok).toBe(false);
  });
});

describe('sealed records', () => {
  it('are refused out of order, twice, or from another stream', () => {
    const writer = new RecordWriter(sealed());
    const [first, second] = [writer.write(Uint8Array.of(1)), writer.write(Uint8Array.of(2))];
    expect(new RecordReader(sealed()).push(second).ok).toBe(false);
    expect(new RecordReader(sealed()).push(Buffer.concat([first, first])).ok).toBe(false);
    const other = new RecordWriter(sealed());
    other.write(Uint8Array.of(0));
    expect(new RecordReader(sealed()).push(Buffer.concat([first, other.write(Uint8Array.of(2))])).ok).toBe(
      false,
    );
    expect(new RecordReader(sealed()).push(Buffer.concat([first, second])).ok).toBe(true);
  });

  it('are refused without the key, or changed', () => {
    const record = new RecordWriter(sealed()).write(randomBytes(50));
    expect(new RecordReader(new NodeCryptography([randomBytes(32)], 'bulk')).push(record).ok).toBe(false);
    for (let at = 4; at < record.length; at++) {
      const changed = Buffer.from(record);
      changed[at] = (changed[at] as number) ^ 1;
      expect(new RecordReader(sealed()).push(changed).ok, `byte ${at}`).toBe(false);
    }
  });

  it('never throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 }), (chunks) => {
        const reader = new RecordReader(sealed());
        for (const chunk of chunks) reader.push(chunk);
      }),
    );
  });
});
