import { describe, expect, it } from 'vitest';
import {
  GREATEST_FACTOR,
  LEAST_FACTOR,
  LoadFactors,
  type LoadedServer,
  type ServerLoad,
} from '../../src/balance/loadFactors.js';

const IDLE: ServerLoad = { connections: 0, newPerSecond: 0, acceptQueue: 0, responseMs: 2 };

const server = (address: number, load: Partial<ServerLoad> | undefined, weight = 1): LoadedServer => ({
  address,
  weight,
  load: load && { ...IDLE, ...load },
});

/** The factors after the same reports for a minute. */
function settled(servers: readonly LoadedServer[]): number[] {
  const factors = new LoadFactors();
  for (let second = 0; second <= 60; second++) factors.update(servers, second * 1000);
  return servers.map(({ address }) => factors.factorOf(address));
}

describe('load factors', () => {
  it.each([
    ['connections', { connections: 500 }],
    ['new connections', { newPerSecond: 500 }],
    ['an accept queue', { acceptQueue: 100 }],
    ['slow answers', { responseMs: 300 }],
  ])('take weight from the server with more of %s, and give it to the others', (_, load) => {
    const [busy, ...others] = settled([server(1, load), server(2, {}), server(3, {})]);
    expect(busy).toBeLessThan(0.6);
    for (const other of others) expect(other).toBeGreaterThan(1.1);
  });

  it('leave everybody alone who is equally busy for its weight', () => {
    const busy = { connections: 3000, newPerSecond: 700, acceptQueue: 90, responseMs: 80 };
    const twice = { connections: 6000, newPerSecond: 1400, acceptQueue: 180, responseMs: 80 };
    for (const factor of settled([server(1, busy), server(2, twice, 2), server(3, busy)])) {
      expect(factor).toBeCloseTo(1, 6);
    }
  });

  it('take no notice of what is within noise', () => {
    for (const factor of settled([
      server(1, { connections: 1, responseMs: 1 }),
      server(2, {}),
      server(3, {}),
    ])) {
      expect(factor).toBeCloseTo(1, 1);
    }
  });

  it('are 1 for a server of which nothing is known, and do not count it for the others', () => {
    const load = { connections: 50, responseMs: 20 };
    expect(settled([server(1, load), server(2, undefined), server(3, load)])).toEqual([1, 1, 1]);
  });

  it('go back to 1 little by little when the reports end', () => {
    const factors = new LoadFactors();
    const others = [server(2, {}), server(3, {})];
    for (let second = 0; second <= 30; second++)
      factors.update([server(1, { acceptQueue: 1000 }), ...others], second * 1000);
    const before = factors.factorOf(1);
    factors.update([server(1, undefined), ...others], 31_000);
    expect(factors.factorOf(1)).toBeGreaterThan(before);
    expect(factors.factorOf(1)).toBeLessThan(0.8);
    for (let second = 32; second <= 60; second++)
      factors.update([server(1, undefined), ...others], second * 1000);
    expect(factors.factorOf(1)).toBeCloseTo(1, 2);
  });

  it('stay within their bounds, whatever is reported', () => {
    const most = { connections: 2 ** 32, newPerSecond: 2 ** 32, acceptQueue: 2 ** 32, responseMs: 2 ** 32 };
    const extremes = settled([server(1, most), server(2, {}), server(3, { responseMs: 0 })]);
    for (const factor of extremes) {
      expect(factor).toBeGreaterThanOrEqual(LEAST_FACTOR - 1e-9);
      expect(factor).toBeLessThanOrEqual(GREATEST_FACTOR + 1e-9);
    }
  });

  it('do not jump after a pause, and forget who is gone', () => {
    const factors = new LoadFactors();
    factors.update([server(1, {}), server(2, {})], 0);
    factors.update([server(1, { acceptQueue: 1e6 }), server(2, {})], 3_600_000);
    expect(factors.factorOf(1)).toBeGreaterThan(LEAST_FACTOR);
    factors.update([], 3_601_000);
    expect(factors.factorOf(1)).toBe(1);
  });
});

interface Play {
  /** Connections that each server can handle in a second, from a second on. */
  readonly capacities: (second: number) => readonly number[];
  /** Connections that come in a second. */
  readonly rate: number;
  /** For how many seconds a connection stays open when it has been handled. */
  readonly openS?: number;
}

const SECONDS = 600;
const STEPS_PER_SECOND = 20;
/** Accepted and not yet handled; the rest waits in the accept queue. */
const WORKERS = 50;

/** Servers with a queue each, under the factors that their reports, a second old, make. */
function play({ capacities, rate, openS = 0 }: Play): { factors: number[]; queues: number[] }[] {
  const loads = new LoadFactors();
  const count = capacities(0).length;
  const [queues, open, taken, factors] = [0, 0, 0, 1].map((value) => new Array<number>(count).fill(value));
  let reports: ServerLoad[] = [];
  const told: { factors: number[]; queues: number[] }[] = [];
  for (let second = 0; second < SECONDS; second++) {
    taken.fill(0);
    for (let step = 0; step < STEPS_PER_SECOND; step++) {
      const sum = factors.reduce((total, factor) => total + factor, 0);
      for (let i = 0; i < count; i++) {
        const come = (rate / STEPS_PER_SECOND) * (factors[i] / sum);
        const done = Math.min(queues[i] + come, capacities(second)[i] / STEPS_PER_SECOND);
        taken[i] += come;
        queues[i] += come - done;
        open[i] += openS === 0 ? 0 : done - open[i] / openS / STEPS_PER_SECOND;
      }
    }
    const earlier = reports;
    reports = queues.map((queue, i) => ({
      connections: queue + open[i],
      newPerSecond: taken[i],
      acceptQueue: Math.max(0, queue - WORKERS),
      responseMs: (1000 * (queue + 1)) / capacities(second)[i],
    }));
    loads.update(
      queues.map((_, i) => ({ address: i, weight: 1, load: earlier[i] })),
      second * 1000,
    );
    for (let i = 0; i < count; i++) factors[i] = loads.factorOf(i);
    told.push({ factors: [...factors], queues: [...queues] });
  }
  return told;
}

describe('servers under load-aware weights (simulated)', () => {
  it.each([
    ['one with a quarter of the strength', [200, 200, 200, 50], 390, 0],
    ['the same, connections stay open for ten seconds', [200, 200, 200, 50], 390, 10],
    ['the same, for a minute', [200, 200, 200, 50], 390, 60],
    ['one with a tenth', [200, 200, 200, 20], 500, 0],
    ['two, one five times the other', [100, 20], 90, 0],
    ['many connections', [5000, 5000, 5000, 1000], 12_000, 0],
    ['few connections', [100, 100, 100, 10], 60, 0],
  ] as const)('%s: no queue grows, nothing swings', (_, strengths, rate, openS) => {
    const told = play({ capacities: () => strengths, rate, openS });
    const weakest = strengths.length - 1;
    const late = told.slice(SECONDS / 2).map(({ factors }) => factors[weakest]);
    expect(Math.max(...late)).toBeLessThan(0.75);
    expect(Math.max(...late) - Math.min(...late)).toBeLessThan(0.05);
    const [middle, end] = [told[SECONDS / 2], told[SECONDS - 1]];
    for (const [i, queue] of end.queues.entries()) expect(queue).toBeLessThanOrEqual(middle.queues[i] + 1);
  });

  it('equal ones keep equal weights, also when all have too much to do', () => {
    for (const rate of [100, 1000]) {
      const { factors } = play({ capacities: () => [100, 100, 100], rate }).at(-1)!;
      for (const factor of factors) expect(factor).toBeCloseTo(1, 6);
    }
  });

  it('one that recovers is given its full share again', () => {
    const told = play({
      capacities: (second) => (second < 200 ? [200, 200, 200, 40] : [200, 200, 200, 200]),
      rate: 390,
    });
    expect(told[199].factors[3]).toBeLessThan(0.6);
    expect(told.at(-1)!.factors[3]).toBeCloseTo(1, 1);
  });
});
