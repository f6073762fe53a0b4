import { describe, expect, it } from 'vitest';
import { RoundRobin } from '../src/schedulers/roundRobin.js';
import { GONE_AFTER_MS, LEAST_SHARE, MAX_SERVERS, ServerTable, WEIGHT_UNIT } from '../src/servers.js';
import { server } from './world.js';

function createTable(): { table: ServerTable; connections: Int32Array } {
  const connections = new Int32Array(MAX_SERVERS + 1);
  return { table: new ServerTable(connections), connections };
}

function eligible(table: ServerTable): number[] {
  return Array.from(table.eligible.subarray(0, table.eligibleCount), (slot) => table.addresses[slot] & 0xff);
}

describe('server table', () => {
  it('keeps the slot of a server that leaves and returns, and takes over its new MAC', () => {
    const { table } = createTable();
    table.set([server(11), server(12)], 0);
    const slot = table.slotOf(server(12).address);
    table.set([server(11)], 1);
    expect([table.slotOf(server(12).address), table.active[slot]]).toEqual([slot, 0]);
    table.set([server(12, { mac: Uint8Array.of(2, 9, 9, 9, 9, 9) }), server(11)], 2);
    expect([table.slotOf(server(12).address), table.active[slot]]).toEqual([slot, 1]);
    expect(Array.from(table.macs.subarray(slot * 6, slot * 6 + 6))).toEqual([2, 9, 9, 9, 9, 9]);
  });

  it('gives new connections only to servers that are active and have weight', () => {
    const { table } = createTable();
    table.set([server(11), server(12, { active: false }), server(13, { weight: 0 }), server(14)], 0);
    expect(eligible(table)).toEqual([11, 14]);
    table.set([], 1);
    expect(eligible(table)).toEqual([]);
  });

  it('leaves a server that starts slowly, or is busy, at least a little of its weight, and a drained one nothing', () => {
    const { table } = createTable();
    const slow = { share: 0, loadFactor: 0 };
    table.set(
      [server(11, slow), server(12, { ...slow, weight: 0 }), server(13, { weight: 255, loadFactor: 4 })],
      0,
    );
    const [eleven, twelve, thirteen] = [11, 12, 13].map((n) => table.slotOf(server(n).address));
    expect([table.weights[eleven], table.loadWeights[eleven]]).toEqual([WEIGHT_UNIT * LEAST_SHARE, 1]);
    expect([table.weights[twelve], table.loadWeights[twelve]]).toEqual([0, 0]);
    expect([table.weights[thirteen], table.loadWeights[thirteen]]).toEqual([
      255 * WEIGHT_UNIT,
      1020 * WEIGHT_UNIT,
    ]);
    expect(eligible(table)).toEqual([11, 13]);
  });

  it('takes an address that is listed twice as one server', () => {
    const { table } = createTable();
    expect(table.set([server(11), server(11, { weight: 0 })], 0)).toBe(0);
    expect(eligible(table)).toEqual([]);
  });

  it('knows which one is this node, and forgets it', () => {
    const { table } = createTable();
    table.set([server(12), server(11)], 0);
    expect(table.localSlot).toBe(table.slotOf(server(11).address));
    table.set([server(12)], 0);
    expect(table.localSlot).toBe(-1);
    expect(Array.from(table.local)).not.toContain(1);
  });

  it('reuses the slot of one that left only when no connection refers to it', () => {
    const { table, connections } = createTable();
    const everybody = Array.from({ length: MAX_SERVERS }, (_, n) => server(n + 1));
    expect(table.set(everybody, 0)).toBe(0);
    connections.fill(1);
    const newcomer = server(0);
    const others = everybody.slice(2);
    expect(table.set([...others, newcomer], 1)).toBe(1);
    expect(table.slotOf(newcomer.address)).toBe(-1);
    connections[1] = 0;
    expect(table.set([...others, newcomer], 2)).toBe(0);
    expect(table.slotOf(newcomer.address)).toBe(1);
    expect(table.slotOf(everybody[1].address)).toBe(-1);
    expect(table.slotOf(everybody[0].address)).toBe(0);
  });

  it('counts a server as gone when it has been inactive for long enough, once and for all', () => {
    const { table } = createTable();
    table.set([server(11)], 1000);
    expect(table.isGone(0, 1e6)).toBe(false);
    table.set([server(11, { active: false })], 2000);
    expect(table.isGone(0, 2000 + GONE_AFTER_MS)).toBe(false);
    expect(table.isGone(0, 2001 + GONE_AFTER_MS)).toBe(true);
    table.set([], 2100);
    expect(table.isGone(0, 2001 + GONE_AFTER_MS)).toBe(true);
    table.set([server(11)], 3000);
    expect(table.isGone(0, 1e6)).toBe(false);
  });
});

describe('round robin', () => {
  function choices(scheduler: RoundRobin, table: ServerTable, count: number): number[] {
    return Array.from({ length: count }, () => table.addresses[scheduler.choose(table)] & 0xff);
  }

  it('takes each in turn', () => {
    const { table } = createTable();
    table.set([server(11), server(12), server(13)], 0);
    expect(choices(new RoundRobin(), table, 7)).toEqual([11, 12, 13, 11, 12, 13, 11]);
  });

  it('goes on evenly when servers come and go', () => {
    const { table } = createTable();
    const scheduler = new RoundRobin();
    table.set([server(11), server(12), server(13)], 0);
    choices(scheduler, table, 3);
    table.set([server(11), server(13)], 0);
    expect(choices(scheduler, table, 4)).toEqual([11, 13, 11, 13]);
    table.set([server(12)], 0);
    expect(choices(scheduler, table, 2)).toEqual([12, 12]);
    table.set([server(11), server(12), server(13), server(14)], 0);
    expect(choices(scheduler, table, 8).toSorted((a, b) => a - b)).toEqual([11, 11, 12, 12, 13, 13, 14, 14]);
  });

  it('says so when there is nobody', () => {
    const { table } = createTable();
    expect(new RoundRobin().choose(table)).toBe(-1);
  });
});
