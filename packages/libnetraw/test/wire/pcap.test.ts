import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePcap, encodePcap } from '../../src/wire/pcap.js';

const frames = [
  { atMs: 1_700_000_000_123, bytes: Uint8Array.of(1, 2, 3) },
  { atMs: 1_700_000_000_124.5, bytes: new Uint8Array(0) },
];

/** Turns every number of a file over: what a host of the other byte order writes. */
function otherOrder(file: Uint8Array): Uint8Array {
  const turned = file.slice();
  const words = (at: number, ...sizes: number[]): void => {
    for (const size of sizes) {
      turned.subarray(at, at + size).reverse();
      at += size;
    }
  };
  const sizeAt = (at: number): number => new DataView(file.buffer).getUint32(at, true);
  words(0, 4, 2, 2, 4, 4, 4, 4);
  for (let at = 24; at < file.length; at += 16 + sizeAt(at + 8)) words(at, 4, 4, 4, 4);
  return turned;
}

function read(file: Uint8Array, limit?: number) {
  const result = decodePcap(file, limit);
  if (!result.ok) throw new Error(result.problem);
  return result;
}

describe('capture files', () => {
  test('what was written is read again, whichever host wrote it', () => {
    const file = encodePcap(frames);
    for (const written of [file, otherOrder(file)]) {
      const { frames: got, leftBytes } = read(written);
      expect(got.map(({ atMs, bytes }) => ({ atMs, bytes: Uint8Array.from(bytes) }))).toEqual(frames);
      expect(leftBytes).toBe(0);
    }
  });

  test('nanoseconds', () => {
    const file = encodePcap([{ atMs: 5000, bytes: Uint8Array.of(7) }]);
    const view = new DataView(file.buffer);
    view.setUint32(0, 0xa1b23c4d, true);
    view.setUint32(28, 250_000_000, true);
    expect(read(file).frames[0].atMs).toBe(5250);
  });

  test('a record that was cut off at the end is left out, and said', () => {
    const file = encodePcap(frames);
    const { frames: got, leftBytes } = read(file.subarray(0, 24 + 16 + 2));
    expect(got).toEqual([]);
    expect(leftBytes).toBe(18);
  });

  test('no more frames than wanted', () => {
    expect(read(encodePcap(frames), 1).frames).toHaveLength(1);
  });

  test('what is no such file is refused with the cure', () => {
    const other = encodePcap(frames);
    new DataView(other.buffer).setUint32(20, 113, true);
    expect(decodePcap(other)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('link type is 113'),
    });
    const next = new Uint8Array(40);
    next.set([0x0a, 0x0d, 0x0d, 0x0a]);
    expect(decodePcap(next)).toMatchObject({ ok: false, problem: expect.stringContaining('pcapng') });
    expect(decodePcap(new Uint8Array(40))).toMatchObject({ ok: false });
    expect(decodePcap(new Uint8Array(3))).toMatchObject({ ok: false });
    const monstrous = encodePcap(frames);
    new DataView(monstrous.buffer).setUint32(24 + 8, 0x7fffffff, true);
    expect(decodePcap(monstrous)).toMatchObject({ ok: false, problem: expect.stringContaining('byte 24') });
  });

  test('any bytes: a result, and frames that lie in the file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, headed) => {
        const file = headed ? Uint8Array.from([...encodePcap([]), ...bytes]) : bytes;
        const result = decodePcap(file);
        if (!result.ok) return;
        const kept = result.frames.reduce((sum, frame) => sum + 16 + frame.bytes.length, 24);
        expect(kept + result.leftBytes).toBe(file.length);
      }),
    );
  });
});
