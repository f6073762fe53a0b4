import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionIndex } from '../../src/map/connectionIndex.js';
import { halfSipHash3, halfSipHash6, mix32 } from '../../src/map/halfSipHash.js';

function slotsOf(index: ConnectionIndex, hash: number): number[] {
  const slots: number[] = [];
  for (let place = index.first(hash); place >= 0; place = index.next(hash, place))
    slots.push(index.slotAt(place));
  return slots.sort((a, b) => a - b);
}

describe('connection index', () => {
  it('agrees with a multimap, with hashes that collide, crowd at the ends and wrap round', () => {
    const hash = fc.constantFrom(0, 1, 2, 3, -1, -2, -3, 0x7fffffff, 0x40000000, -0x80000000);
    const steps = fc.array(fc.tuple(hash, fc.boolean(), fc.nat()), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (operations) => {
        const capacity = 24;
        const index = new ConnectionIndex(capacity);
        const model = new Map<number, number[]>();
        const free = Array.from({ length: capacity }, (_, slot) => slot);
        for (const [hash, add, pick] of operations) {
          const slots = model.get(hash) ?? [];
          if (add && free.length > 0) {
            const slot = free.shift() as number;
            expect(index.insert(hash, slot)).toBe(true);
            model.set(hash, [...slots, slot]);
          } else if (slots.length > 0) {
            const [slot] = slots.splice(pick % slots.length, 1);
            index.remove(hash, slot);
            free.push(slot);
          }
          for (const [known, members] of model) {
            expect(slotsOf(index, known)).toEqual(members.toSorted((a, b) => a - b));
          }
        }
      }),
    );
  });

  it('gives up on a run that is too long, instead of searching for ever', () => {
    const index = new ConnectionIndex(4000);
    let entered = 0;
    while (entered < 4000 && index.insert(0x1234, entered)) entered++;
    expect(entered).toBe(1024);
    expect(slotsOf(index, 0x1234)).toHaveLength(1024);
    expect(index.insert(0x70000000, 5000)).toBe(true);
    expect(slotsOf(index, 0x70000000)).toEqual([5000]);
  });

  it('ignores the removal of what is not there', () => {
    const index = new ConnectionIndex(4);
    index.insert(5, 1);
    index.remove(5, 2);
    index.remove(6, 1);
    expect(slotsOf(index, 5)).toEqual([1]);
  });
});

describe('HalfSipHash-1-3', () => {
  it("agrees with the kernel's test vectors for the bytes 0 to 11 and 0 to 23 under the key 0 to 7", () => {
    const [key0, key1] = [0x03020100, 0x07060504];
    const [a, b, c] = [0x03020100, 0x07060504, 0x0b0a0908];
    expect(halfSipHash3(key0, key1, a, b, c) >>> 0).toBe(0x6b28096c);
    const [d, e, f] = [0x0f0e0d0c, 0x13121110, 0x17161514];
    expect(halfSipHash6(key0, key1, a, b, c, d, e, f) >>> 0).toBe(0x57150ad7);
  });

  it('spreads consecutive clients evenly, whatever the key', () => {
    for (const key of [0, 1, -1, 12_345]) {
      const buckets = new Array<number>(64).fill(0);
      for (let n = 0; n < 64_000; n++) buckets[halfSipHash3(key, mix32(key), n, 80, 6 << 16) >>> 26]++;
      const chiSquare = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
      // 63 degrees of freedom: beyond 120 once in 50,000. The keys are fixed, so this is no gamble.
      expect(chiSquare).toBeLessThan(120);
    }
  });

  it('puts the same connections elsewhere under another key', () => {
    const under = (key: number): number[] =>
      Array.from({ length: 50 }, (_, n) => halfSipHash3(key, 0, n, 0, 0));
    expect(under(1).filter((hash, n) => hash === under(2)[n])).toEqual([]);
  });
});
