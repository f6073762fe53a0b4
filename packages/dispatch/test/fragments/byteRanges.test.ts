import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteRanges, MAX_RANGES, RangeResult } from '../../src/fragments/byteRanges.js';

const PACKETS = 3;
const UNITS = 40;

/** Which bytes have come, kept the simple way: one flag each. */
class Model {
  private readonly bytes = Array.from({ length: PACKETS }, () => Array<boolean>(UNITS).fill(false));

  add(packet: number, start: number, end: number): RangeResult {
    const bytes = this.bytes[packet];
    const here = bytes.slice(start, end);
    if (here.every(Boolean)) return RangeResult.duplicate;
    if (here.some(Boolean)) return RangeResult.overlap;
    const touches = (start > 0 && bytes[start - 1]) || (end < UNITS && bytes[end]);
    if (!touches && this.pieces(packet) === MAX_RANGES) return RangeResult.tooMany;
    bytes.fill(true, start, end);
    return RangeResult.added;
  }

  isWhole(packet: number, end: number): boolean {
    return this.bytes[packet].every((come, at) => come === at < end);
  }

  reachesBeyond(packet: number, end: number): boolean {
    return this.bytes[packet].some((come, at) => come && at >= end);
  }

  clear(packet: number): void {
    this.bytes[packet].fill(false);
  }

  private pieces(packet: number): number {
    return this.bytes[packet].filter((come, at, all) => come && (at === 0 || !all[at - 1])).length;
  }
}

const operation = fc.record({
  packet: fc.nat(PACKETS - 1),
  start: fc.nat(UNITS - 1),
  length: fc.integer({ min: 1, max: 6 }),
  clears: fc.nat(60).map((n) => n === 0),
});

describe('the ranges of bytes that have come', () => {
  it('agree with a flag for each byte', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const ranges = new ByteRanges(PACKETS);
        const model = new Model();
        for (const { packet, start, length, clears } of operations) {
          if (clears) {
            ranges.clear(packet);
            model.clear(packet);
          }
          const end = Math.min(UNITS, start + length);
          expect(ranges.add(packet, start, end)).toBe(model.add(packet, start, end));
          for (let end = 1; end <= UNITS; end += 3) {
            expect(ranges.isWhole(packet, end)).toBe(model.isWhole(packet, end));
            expect(ranges.reachesBeyond(packet, end)).toBe(model.reachesBeyond(packet, end));
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('take every order in which the parts of a packet may come, as long as few are missing', () => {
    const order = fc.shuffledSubarray([...Array(2 * MAX_RANGES).keys()], { minLength: 2 * MAX_RANGES });
    fc.assert(
      fc.property(order, (parts) => {
        const ranges = new ByteRanges(1);
        for (const part of parts) expect(ranges.add(0, 8 * part, 8 * part + 8)).toBe(RangeResult.added);
        expect(ranges.isWhole(0, 16 * MAX_RANGES)).toBe(true);
      }),
    );
  });

  it('reach up to the largest packet', () => {
    const ranges = new ByteRanges(1);
    expect(ranges.add(0, 0, 65_528)).toBe(RangeResult.added);
    expect(ranges.add(0, 65_528, 65_535)).toBe(RangeResult.added);
    expect(ranges.isWhole(0, 65_535)).toBe(true);
  });
});
