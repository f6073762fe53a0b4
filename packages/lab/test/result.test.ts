import { describe, expect, test } from 'vitest';
import { brokenPromises, longestGapMs, type DemoResult } from '../src/demo/result.js';

const good: Omit<DemoResult, 'broken'> = {
  nodes: 2,
  spread: { n1: 505, n2: 495 },
  failover: {
    killedAddress: '10.0.0.11',
    newDispatcher: '10.0.0.12',
    gapMs: 60,
    rebuildMs: 5,
    establishedOnSurvivors: 100,
    survived: 100,
    lost: 0,
    livedOnKilled: 100,
    failedRequests: 6,
  },
  failback: { gapMs: 20, lost: 0, failedRequests: 0, newDispatcher: '10.0.0.11' },
};

describe('brokenPromises', () => {
  test('none in a good run', () => {
    expect(brokenPromises(good)).toEqual([]);
  });

  test.each<[string, Partial<typeof good>]>([
    ['spread', { spread: { n1: 600, n2: 400 } }],
    ['spread', { spread: { n1: 1000 } }],
    ['lost in the failover', { failover: { ...good.failover, lost: 1 } }],
    ['no new request was served', { failover: { ...good.failover, gapMs: 1001 } }],
    ['nobody else', { failover: { ...good.failover, newDispatcher: '10.0.0.11' } }],
    ['came back', { failback: { ...good.failback, lost: 2 } }],
    ['did not take over', { failback: { ...good.failback, newDispatcher: '10.0.0.12' } }],
  ])('names the one that was not kept: %s', (words, change) => {
    const broken = brokenPromises({ ...good, ...change });
    expect(broken).toHaveLength(1);
    expect(broken[0]).toContain(words);
  });
});

describe('longestGapMs', () => {
  const served = (end: number) => ({ event: 'request' as const, start: end - 1, end, server: 'n1' });

  test('looks at the ends of served requests, in time order', () => {
    const failed = { event: 'request' as const, start: 12, end: 15, error: 'timeout' };
    expect(longestGapMs([served(10), served(40), failed, served(20)])).toBe(20);
  });

  test('is 0 for fewer than two', () => {
    expect(longestGapMs([])).toBe(0);
    expect(longestGapMs([served(10)])).toBe(0);
  });
});
