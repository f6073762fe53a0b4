import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldBuffer } from '../src/holdBuffer.js';

function frame(fill: number, length: number, headroom: number): Uint8Array {
  return new Uint8Array(headroom + length).fill(fill);
}

describe('hold buffer', () => {
  it('gives back what was offered, with its headroom, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 10, maxLength: 200 }), { maxLength: 20 }), (frames) => {
        const buffer = new HoldBuffer(5000, 10);
        for (const bytes of frames) expect(buffer.offer(bytes, 10, bytes.length - 10)).toBe(true);
        const back: Uint8Array[] = [];
        const visit = (memory: Uint8Array, offset: number, length: number): void => {
          back.push(memory.slice(offset - 10, offset + length));
        };
        expect(buffer.take(visit)).toBe(frames.length);
        expect(back).toEqual(frames);
        expect(buffer.take(visit)).toBe(0);
      }),
    );
  });

  it('is bounded: what does not fit is refused, and what fits exactly is not', () => {
    const buffer = new HoldBuffer(128, 10);
    expect(buffer.offer(frame(1, 50, 10), 10, 50)).toBe(true);
    expect(buffer.offer(frame(2, 51, 10), 10, 51)).toBe(false);
    expect(buffer.offer(frame(3, 50, 10), 10, 50)).toBe(true);
    expect(buffer.offer(frame(4, 0, 10), 10, 0)).toBe(false);
    expect([buffer.count, buffer.usedBytes]).toEqual([2, 128]);
  });

  it('refuses a frame without headroom before it', () => {
    const buffer = new HoldBuffer(128, 10);
    expect(buffer.offer(new Uint8Array(60), 9, 40)).toBe(false);
    expect(buffer.count).toBe(0);
  });

  it('leaves what it gave back intact while frames are held anew', () => {
    const buffer = new HoldBuffer(256, 2);
    for (const fill of [1, 2, 3]) buffer.offer(frame(fill, 20, 2), 2, 20);
    const given: { memory: Uint8Array; offset: number; length: number }[] = [];
    buffer.take((memory, offset, length) => {
      given.push({ memory, offset, length });
      buffer.offer(frame(9, 20, 2), 2, 20);
    });
    expect(given.map(({ memory, offset, length }) => [...memory.subarray(offset, offset + length)])).toEqual(
      [1, 2, 3].map((fill) => new Array<number>(20).fill(fill)),
    );
    expect(buffer.count).toBe(3);
    expect(given.every(({ memory }) => memory === buffer.memories[0])).toBe(true);
    expect(buffer.take(() => {})).toBe(3);
  });
});
