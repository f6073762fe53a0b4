import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScheduler, SCHEDULER_NAMES, type SchedulerName } from '../../src/schedulers/create.js';
import type { Scheduler } from '../../src/schedulers/scheduler.js';
import { MAX_SERVERS, type ServerInfo, ServerTable } from '../../src/servers.js';

/** Servers 10.0.0.1, 10.0.0.2, ...; what is not said is active with weight 1. */
function world(name: SchedulerName, servers: readonly Partial<ServerInfo>[], firstTurn = 0) {
  const connections = new Int32Array(MAX_SERVERS);
  const table = new ServerTable(connections);
  const scheduler = createScheduler(name, { seed: 7, firstTurn });
  const change = (list: readonly Partial<ServerInfo>[]): void => {
    table.set(list.map(info), 0);
    scheduler.update(table);
  };
  change(servers);
  return { connections, table, scheduler, change, choose: chooser(scheduler, table) };
}

function info(change: Partial<ServerInfo>, index: number): ServerInfo {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, index);
  return { address: 0x0a00_0001 + index, mac, weight: 1, active: true, local: false, ...change };
}

/** The last byte of the chosen server's address, 0 for none. */
function chooser(scheduler: Scheduler, table: ServerTable): (client: number) => number {
  return (client) => {
    const slot = scheduler.choose(table, client);
    return slot < 0 ? 0 : table.addresses[slot] & 0xff;
  };
}

const servers = (count: number): Partial<ServerInfo>[] => Array.from({ length: count }, () => ({}));

/** Clients as hosts of a network have them: one address after the other. */
const CLIENTS = Array.from({ length: 10_000 }, (_, i) => 0xc0a8_0000 + i);

/** How often each server was chosen, by its place in the list. */
function shares(choose: (client: number) => number, count: number): number[] {
  const chosen = new Array<number>(count + 1).fill(0);
  for (const client of CLIENTS) chosen[choose(client)]++;
  return chosen.slice(1).map((times) => times / CLIENTS.length);
}

describe.each(SCHEDULER_NAMES)('%s', (name) => {
  it('chooses only servers that take new connections, whatever comes and goes', () => {
    const server = fc.record({ weight: fc.nat(255), active: fc.boolean() });
    const steps = fc.array(fc.array(server, { maxLength: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(steps, fc.array(fc.nat(0xffff_ffff), { minLength: 1, maxLength: 20 }), (lists, clients) => {
        const { change, choose } = world(name, []);
        for (const list of lists) {
          change(list);
          const able = list.flatMap(({ weight, active }, i) => (active && weight > 0 ? [i + 1] : []));
          for (const client of clients) {
            expect(able.length === 0 ? [0] : able).toContain(choose(client));
          }
        }
      }),
      { numRuns: name === 'maglev' ? 20 : 200 },
    );
  });

  it('gives equal servers equal shares', () => {
    const { choose, connections, table } = world(name, servers(4));
    const counted = (client: number): number => {
      const last = choose(client);
      connections[table.slotOf(0x0a00_0000 + last)]++;
      return last;
    };
    for (const share of shares(counted, 4)) expect(share).toBeCloseTo(0.25, 1);
  });
});

describe.each([
  'weighted-round-robin',
  'weighted-least-connections',
  'two-random-choices',
  'maglev',
  'load-aware',
] as const)('%s', (name) => {
  it('gives shares by weight', () => {
    const { choose, connections, table } = world(name, [{ weight: 1 }, { weight: 2 }, { weight: 5 }]);
    const counted = (client: number): number => {
      const last = choose(client);
      connections[table.slotOf(0x0a00_0000 + last)]++;
      return last;
    };
    const [one, two, five] = shares(counted, 3);
    expect(one).toBeCloseTo(1 / 8, 1);
    expect(two).toBeCloseTo(2 / 8, 1);
    expect(five).toBeCloseTo(5 / 8, 1);
  });
});

describe.each(SCHEDULER_NAMES.filter((name) => name !== 'source-hash'))('%s', (name) => {
  it('gives a server that starts slowly its share of what the others are given', () => {
    const { choose, connections, table } = world(name, [{ share: 0.25 }, {}, {}]);
    const counted = (client: number): number => {
      const last = choose(client);
      connections[table.slotOf(0x0a00_0000 + last)]++;
      return last;
    };
    const [slow, one, other] = shares(counted, 3);
    // Of two that are drawn with equal odds, the emptier one is taken: the slow one gets what both allow it.
    expect(slow).toBeCloseTo(1 / 9, 1);
    expect(one).toBeCloseTo(4 / 9, 1);
    expect(other).toBeCloseTo(4 / 9, 1);
  });

  it('also when the servers are told anew before each connection', () => {
    const list = [{ share: 0.25 }, {}, {}];
    const { choose, change, connections, table } = world(name, list);
    const counted = (client: number): number => {
      change(list);
      const last = choose(client);
      connections[table.slotOf(0x0a00_0000 + last)]++;
      return last;
    };
    const chosen = new Set(CLIENTS.slice(0, 200).map(counted));
    expect(chosen).toEqual(new Set([1, 2, 3]));
  });
});

describe.each([
  'round-robin',
  'weighted-round-robin',
  'least-connections',
  'weighted-least-connections',
  'load-aware',
] as const)('%s of several dispatchers in a node', (name) => {
  it('begins with another server in each', () => {
    const firsts = [0, 1, 2, 3, 4].map((firstTurn) => world(name, servers(3), firstTurn).choose(1));
    expect(firsts).toEqual([1, 2, 3, 1, 2]);
  });
});

describe('round-robin', () => {
  it('takes each in order of address, whatever the weights', () => {
    const { choose } = world('round-robin', [{ weight: 9 }, {}, {}]);
    expect([1, 1, 1, 1, 1].map(choose)).toEqual([1, 2, 3, 1, 2]);
  });
});

describe('weighted-round-robin', () => {
  it('spreads the turns of a heavy server', () => {
    const { choose } = world('weighted-round-robin', [{ weight: 5 }, {}, {}]);
    expect([1, 1, 1, 1, 1, 1, 1].map(choose)).toEqual([1, 1, 2, 1, 3, 1, 1]);
  });

  it('goes on with its turns when weights change, and pays no old credit out in one go', () => {
    const heavy = [{ weight: 200 }, { weight: 200 }];
    const { choose, change } = world('weighted-round-robin', heavy);
    expect(choose(1)).toBe(1);
    change(heavy);
    expect(choose(1)).toBe(2);
    expect(choose(1)).toBe(1);
    change([{}, {}]);
    expect([choose(1), choose(1)]).toContain(2);
    for (let i = 0; i < 4; i++) choose(1);
    expect([1, 1, 1, 1].map(choose).sort()).toEqual([1, 1, 2, 2]);
  });
});

describe('load-aware', () => {
  it('goes by what the load makes of the weights', () => {
    const { choose, change } = world('load-aware', [{ loadFactor: 0.5 }, {}, { weight: 2 }]);
    expect(shares(choose, 3).map((share) => share.toFixed(2))).toEqual(['0.14', '0.29', '0.57']);
    change([{}, {}, { weight: 2, loadFactor: 0.1 }]);
    expect(shares(choose, 3).map((share) => share.toFixed(2))).toEqual(['0.45', '0.45', '0.09']);
  });

  it('is the only one that does', () => {
    const { choose } = world('weighted-round-robin', [{ loadFactor: 0.1 }, {}]);
    expect(shares(choose, 2)).toEqual([0.5, 0.5]);
  });
});

describe('least-connections', () => {
  it('takes the server with fewest, of equals each in turn', () => {
    const { choose, connections } = world('least-connections', servers(3));
    expect(new Set([1, 1, 1].map(choose))).toEqual(new Set([1, 2, 3]));
    connections.set([4, 1, 9]);
    expect([1, 1, 1].map(choose)).toEqual([2, 2, 2]);
  });

  it('weighted: fewest for the weight', () => {
    const { choose, connections } = world('weighted-least-connections', [{ weight: 10 }, {}]);
    connections.set([8, 1]);
    expect(choose(1)).toBe(1);
    connections.set([30, 1]);
    expect(choose(1)).toBe(2);
  });
});

describe('source-hash', () => {
  it('is the address modulo the number of servers', () => {
    const { choose } = world('source-hash', servers(5));
    for (const client of CLIENTS.slice(0, 50)) expect(choose(client)).toBe(1 + (client % 5));
  });

  it('steps over a failed server by the seed rule: modulo one less, counted without it', () => {
    const list = servers(5);
    list[2] = { active: false };
    const { choose } = world('source-hash', list);
    const others = [1, 2, 4, 5];
    for (const client of CLIENTS.slice(0, 200)) {
      expect(choose(client)).toBe(client % 5 === 2 ? others[client % 4] : 1 + (client % 5));
    }
  });

  it('goes on so when many have failed, and clients come back with their server', () => {
    const list = servers(5);
    const { choose, change } = world('source-hash', list);
    const before = CLIENTS.map(choose);
    change([{ active: false }, {}, { weight: 0 }, { active: false }, {}]);
    for (const client of CLIENTS) expect([2, 5]).toContain(choose(client));
    change(list);
    expect(CLIENTS.map(choose)).toEqual(before);
  });
});

describe('maglev', () => {
  it('moves hardly any client of the others when a server goes', () => {
    const { choose, change } = world('maglev', servers(10));
    const before = CLIENTS.map(choose);
    change(servers(10).map((_, i) => ({ active: i !== 3 })));
    const moved = CLIENTS.filter((client, i) => before[i] !== 4 && choose(client) !== before[i]);
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.length / CLIENTS.length).toBeLessThan(0.03);
  });

  it('is the same in every dispatcher that knows the same servers, in whatever order it heard of them', () => {
    const one = world('maglev', servers(6));
    const connections = new Int32Array(MAX_SERVERS);
    const table = new ServerTable(connections);
    table.set(servers(6).map(info).reverse(), 0);
    const scheduler = createScheduler('maglev', { seed: 99 });
    scheduler.update(table);
    expect(CLIENTS.map(chooser(scheduler, table))).toEqual(CLIENTS.map(one.choose));
  });
});
