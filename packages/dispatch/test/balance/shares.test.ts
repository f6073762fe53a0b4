import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareBuckets, type SharingMember } from '../../src/balance/shares.js';

const BUCKETS = 256;
const members = fc
  .uniqueArray(fc.record({ address: fc.nat(0xffff_ffff), weight: fc.integer({ min: 0, max: 5 }) }), {
    minLength: 1,
    maxLength: 12,
    selector: ({ address }) => address,
  })
  .filter((list) => list.some(({ weight }) => weight > 0));
const alike = (count: number, weight = 1): SharingMember[] =>
  Array.from({ length: count }, (_, i) => ({ address: 0x0a00_000b + i, weight }));
const counts = (owners: readonly number[]): number[] => {
  const byOwner = new Map<number, number>();
  for (const owner of owners) byOwner.set(owner, (byOwner.get(owner) ?? 0) + 1);
  return [...byOwner].sort(([a], [b]) => a - b).map(([, count]) => count);
};

describe('shares of the clients', () => {
  it('are the same in whatever order the members are known', () => {
    fc.assert(
      fc.property(members, fc.infiniteStream(fc.nat(1000)), (list, order) => {
        const shuffled = list
          .map((member) => ({ member, at: order.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ member }) => member);
        expect(shareBuckets(shuffled, BUCKETS)).toEqual(shareBuckets(list, BUCKETS));
      }),
    );
  });

  it('go to living members only, and move only when their member goes or a new one takes them', () => {
    fc.assert(
      fc.property(members, fc.nat(), (list, which) => {
        const before = shareBuckets(list, BUCKETS);
        const gone = list[which % list.length];
        const rest = list.filter((member) => member !== gone);
        const after = shareBuckets(rest, BUCKETS);
        const takers = new Set(rest.flatMap(({ address, weight }) => (weight > 0 ? [address] : [])));
        expect(after).toHaveLength(takers.size === 0 ? 0 : BUCKETS);
        after.forEach((owner, bucket) => {
          expect(takers.has(owner)).toBe(true);
          if (before[bucket] !== gone.address) expect(owner).toBe(before[bucket]);
        });
      }),
    );
  });

  it('are about as large as the weights say', () => {
    for (const count of [2, 3, 4, 8]) {
      for (const share of counts(shareBuckets(alike(count), 4096))) {
        expect(Math.abs(share / (4096 / count) - 1)).toBeLessThan(0.12);
      }
    }
    const [light, heavy] = counts(
      shareBuckets(
        [
          { address: 1, weight: 10 },
          { address: 2, weight: 30 },
        ],
        4096,
      ),
    );
    expect(heavy / light).toBeGreaterThan(2.6);
    expect(heavy / light).toBeLessThan(3.4);
  });

  it("are nobody's when nobody takes any", () => {
    expect(shareBuckets([], BUCKETS)).toEqual([]);
    expect(shareBuckets(alike(3, 0), BUCKETS)).toEqual([]);
  });
});
