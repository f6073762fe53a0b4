import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elected, preference } from '../src/protocol/election.js';

describe('the elected member (R18)', () => {
  it('is the first that the rule prefers, whatever the rule and whoever may dispatch', () => {
    const members = fc.array(fc.record({ address: fc.nat(1000), eligible: fc.boolean() }), { maxLength: 20 });
    const rule = fc.record({
      order: fc.constantFrom('smallest' as const, 'largest' as const),
      position: fc.integer({ min: 1, max: 25 }),
    });
    fc.assert(
      fc.property(members, rule, (given, asked) => {
        const ordered = [...given].sort((a, b) => a.address - b.address);
        const eligible = ordered.filter((m) => m.eligible).map((m) => m.address);
        const place = (at: number): number | undefined =>
          ordered[at]?.eligible ? ordered[at].address : undefined;
        expect(elected(asked, ordered.length, place)).toBe(preference(asked, eligible)[0]);
      }),
    );
  });
});
