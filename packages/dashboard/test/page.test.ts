import { describe, expect, it } from 'vitest';
import { areaPath, linePath, niceTop, spanOf } from '../src/page/chart.js';
import { short } from '../src/page/format.js';
import { kindOf, placeOf } from '../src/page/ring.js';

const FRAME = { width: 100, height: 10, fromMs: 0, toMs: 1000, top: 10 };

describe('curves', () => {
  it('go from edge to edge, and never above the top', () => {
    const points = [
      { atMs: 0, value: 0 },
      { atMs: 500, value: 5 },
      { atMs: 1000, value: 50 },
    ];
    expect(linePath(points, FRAME)).toBe('M0 10L50 5L100 0');
    expect(areaPath(points, FRAME)).toBe('M0 10L50 5L100 0L100 10L0 10Z');
    expect(areaPath([], FRAME)).toBe('');
  });

  it('are broken where nothing was sampled', () => {
    const points = [
      { atMs: 0, value: 1 },
      { atMs: 9000, value: 1 },
    ];
    expect(linePath(points, { ...FRAME, toMs: 9000 })).toBe('M0 9M100 9');
  });

  it('have scales that people can read', () => {
    expect([0, 1, 1.5, 3, 7, 10, 11, 480, 5001].map(niceTop)).toEqual([1, 1, 2, 5, 10, 10, 20, 500, 10_000]);
  });
});

it('curves begin with the first sample, within a minute and the most that is wanted', () => {
  const since = (ms: number) => spanOf([{ atMs: 1e6 - ms }], 1e6, 300_000);
  expect([since(0), since(90_000), since(900_000), spanOf([], 1e6, 300_000)]).toEqual([
    60_000, 90_000, 300_000, 60_000,
  ]);
});

it('members stand around the ring clockwise from the top', () => {
  const [top, right, bottom, left] = [0, 1, 2, 3].map((i) => placeOf(i, 4, 100));
  expect([top.y < bottom.y, right.x > left.x]).toEqual([true, true]);
  expect(Math.round(top.x)).toBe(Math.round(bottom.x));
});

it('a member is one thing at a time', () => {
  const member = { address: 'x', role: 'server', active: true };
  const drain = { state: 'draining', connections: 1 };
  expect([
    kindOf(member),
    kindOf({ ...member, role: 'dispatcher' }),
    kindOf({ ...member, role: 'dispatcher', drain }),
    kindOf({ ...member, active: false, drain }),
  ]).toEqual(['server', 'dispatcher', 'draining', 'out']);
});

it('numbers are short', () => {
  expect([0, 999, 1234, 12_345, 4e6].map(short)).toEqual(['0', '999', '1.2k', '12k', '4.0M']);
});
