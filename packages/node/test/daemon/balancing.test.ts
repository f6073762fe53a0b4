import type { ServerInfo } from '@ringmaster/dispatch';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Balancing } from '../../src/daemon/balancing.js';
import type { HeardLoad } from '../../src/load/loads.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const server = (address: number, change: Partial<ServerInfo> = {}): ServerInfo => ({
  address,
  mac: new Uint8Array(6),
  weight: 1,
  active: true,
  local: address === 1,
  ...change,
});

const load = (acceptQueue: number): HeardLoad => ({
  ageMs: 0,
  report: {
    kind: 'load',
    connections: 0,
    newPerSecond: 0,
    acceptQueue,
    acceptQueueLimit: 4096,
    responseMs: undefined,
    deadlineInMs: undefined,
  },
});

/** A node with server 1 that has weighed `servers` once, long ago. */
function world(rules: { slowStartMs?: number; usesLoad?: boolean } = {}, servers = [server(1), server(2)]) {
  const loads = new Map<number, HeardLoad>();
  const state = { inRing: true, newcomers: new Set<number>(), changes: 0, servers };
  const balancing = new Balancing({
    rules: { slowStartMs: 0, usesLoad: false, ...rules },
    loadOf: (address) => loads.get(address),
    isNewcomer: (address) => state.newcomers.has(address),
    isInRing: () => state.inRing,
    onChange: () => {
      state.changes++;
      balancing.weigh(state.servers);
    },
    nowMs: () => Date.now(),
  });
  balancing.start();
  balancing.weigh(servers);
  vi.advanceTimersByTime(60_000);
  const shares = (list: ServerInfo[]) => {
    state.servers = list;
    return balancing.weigh(list).map(({ share }) => share);
  };
  return { balancing, loads, state, shares };
}

describe('balancing', () => {
  it('tells the weights anew while a slow start goes on, and not when it is over', () => {
    const { balancing, state, shares } = world({ slowStartMs: 32_000 });
    state.newcomers.add(3);
    const list = [server(1), server(2), server(3)];
    expect(shares(list)).toEqual([1, 1, 1 / 32]);
    expect(state.changes).toBe(0);
    vi.advanceTimersByTime(16_000);
    expect(balancing.weighing(3)).toEqual({ share: 1 / 2, loadFactor: 1 });
    expect(state.changes).toBeGreaterThan(0);
    vi.advanceTimersByTime(17_000);
    const { changes } = state;
    expect(shares(list)).toEqual([1, 1, 1]);
    vi.advanceTimersByTime(60_000);
    expect(state.changes).toBe(changes);
    balancing.close();
  });

  it('does not take others for new because this node was away; itself it does', () => {
    const { state, shares } = world({ slowStartMs: 32_000 });
    state.inRing = false;
    shares([server(1, { active: false }), server(2, { active: false })]);
    vi.advanceTimersByTime(10_000);
    state.inRing = true;
    shares([server(1), server(2, { active: false })]);
    vi.advanceTimersByTime(100);
    expect(shares([server(1), server(2)])).toEqual([1 / 32, 1]);
  });

  it('starts slowly who is undrained', () => {
    const { shares } = world({ slowStartMs: 32_000 });
    shares([server(1), server(2, { weight: 0 })]);
    vi.advanceTimersByTime(10_000);
    expect(shares([server(1), server(2)])).toEqual([1, 1 / 32]);
  });

  it('goes by the load only when a scheduler does', () => {
    for (const usesLoad of [true, false]) {
      const { balancing, loads, state } = world({ usesLoad });
      loads.set(1, load(0));
      loads.set(2, load(1000));
      vi.advanceTimersByTime(30_000);
      const factors = [1, 2].map((address) => balancing.weighing(address).loadFactor);
      if (usesLoad) {
        expect(factors[0]).toBeGreaterThan(1.2);
        expect(factors[1]).toBeLessThan(0.6);
        expect(state.changes).toBeGreaterThan(3);
        const settled = state.changes;
        vi.advanceTimersByTime(60_000);
        expect(state.changes).toBe(settled);
      } else expect([...factors, state.changes]).toEqual([1, 1, 0]);
      balancing.close();
    }
  });

  it('leaves servers outside the ring as they are', () => {
    const { balancing } = world({ slowStartMs: 32_000 });
    const outside = server(9, { fixed: true });
    expect(balancing.weigh([server(1), outside])[1]).toEqual(outside);
  });
});
