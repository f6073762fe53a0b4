import { describe, expect, it } from 'vitest';
import { SlowStart, STAYS_WARM_MS } from '../../src/balance/slowStart.js';

const LENGTH_MS = 32_000;
const server = (address: number, serves = true, isNewcomer = false) => ({ address, serves, isNewcomer });

/** A slow start of two servers that were there already. */
function warm(): SlowStart {
  const start = new SlowStart(LENGTH_MS);
  start.note([server(1), server(2)], 0);
  return start;
}

describe('slow start', () => {
  it('grows from little to all in a straight line, for a newcomer alone', () => {
    const start = warm();
    start.note([server(1), server(2), server(3, true, true)], 1000);
    const shares = [0, 500, 8000, 16_000, 31_999, 32_000, 1e9].map((ms) => start.shareOf(3, 1000 + ms));
    expect(shares).toEqual([1 / 32, 1 / 32, 1 / 4, 1 / 2, 31 / 32, 1, 1]);
    expect([start.shareOf(1, 1000), start.shareOf(2, 1000)]).toEqual([1, 1]);
    expect([start.isRunning(32_999), start.isRunning(33_000)]).toEqual([true, false]);
  });

  it('is not for those who were there before us', () => {
    expect(warm().isRunning(0)).toBe(false);
  });

  it('begins again for one that comes back, and for one that is undrained', () => {
    const start = warm();
    start.note([server(1, false), server(2)], 1000);
    start.note([server(1), server(2)], 1001 + STAYS_WARM_MS);
    expect(start.shareOf(1, 1001 + STAYS_WARM_MS)).toBe(1 / 32);
    expect(start.shareOf(2, 1001 + STAYS_WARM_MS)).toBe(1);
  });

  it('is not begun by a ring purge, nor ended by one', () => {
    const start = warm();
    start.note([server(1), server(2), server(3, true, true)], 1000);
    start.note([server(1, false), server(2, false), server(3, false)], 9000);
    start.note([server(1), server(2), server(3)], 9200);
    expect(start.shareOf(1, 9200)).toBe(1);
    expect(start.shareOf(3, 9000 + 8000)).toBe(1 / 2);
  });

  it('begins for one that joins drained when it is undrained', () => {
    const start = warm();
    start.note([server(1), server(2), server(3, false, true)], 1000);
    expect(start.isRunning(1000)).toBe(false);
    start.note([server(1), server(2), server(3)], 60_000);
    expect(start.shareOf(3, 60_000)).toBe(1 / 32);
  });

  it('forgets who is gone for good', () => {
    const start = warm();
    start.note([server(1)], 1000);
    start.note([server(1), server(2, true, true)], 1100);
    expect(start.shareOf(2, 1100)).toBe(1 / 32);
  });

  it('of no length gives everybody everything', () => {
    const start = new SlowStart(0);
    start.note([server(1, true, true)], 0);
    expect([start.shareOf(1, 0), start.isRunning(0)]).toEqual([1, false]);
  });
});
