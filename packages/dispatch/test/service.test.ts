import { parseIp } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { SCHEDULER_NAMES, serverName, type ServerInfo } from '../src/index.js';
import { createScheduler, type SchedulerName } from '../src/schedulers/create.js';
import { MAX_SERVERS, ServerTable } from '../src/servers.js';
import { Service, type ServiceOptions } from '../src/service.js';
import { address, server } from './world.js';

const FIXED = { mac: new Uint8Array(6), fixed: true };
const RING = [server(11), server(12), server(13)];
const OUTSIDE = [server(21, FIXED), server(22, FIXED), server(23, FIXED)];

function create(name: SchedulerName, change: Partial<ServiceOptions> = {}): Service {
  return new Service({
    ...{ recipe: '', name: 'web', port: 80, targetPort: 80 },
    ...{ scheduler: createScheduler(name, { seed: 1 }), schedulerName: name, wantsAddress6: false },
    ...change,
  });
}

/** Which servers a hundred clients come to, by the last byte of their addresses. */
function chosen(service: Service, list: readonly ServerInfo[]): number[] {
  const table = new ServerTable(new Int32Array(MAX_SERVERS));
  table.set(list, 0);
  service.update(table);
  const slots = Array.from({ length: 100 }, (_, n) => service.choose(0x0a090000 + n * 7));
  return [...new Set(slots.map((slot) => (slot < 0 ? -1 : table.addresses[slot] & 0xff)))].sort(
    (a, b) => a - b,
  );
}

describe.each(SCHEDULER_NAMES)('a service with %s', (name) => {
  it('leaves servers alone that lack it, and only those', () => {
    const [first, second, third] = RING;
    const lacking = [first, { ...second, lacks: ['web', 'mail'] }, { ...third, lacks: ['mail'] }];
    expect(chosen(create(name), lacking)).toEqual([11, 13]);
    expect(chosen(create(name, { name: 'other' }), lacking)).toEqual([11, 12, 13]);
    expect(
      chosen(
        create(name),
        RING.map((info) => ({ ...info, lacks: ['web'] })),
      ),
    ).toEqual([-1]);
  });

  it('of the ring leaves servers outside it alone', () => {
    expect(chosen(create(name), [...OUTSIDE, ...RING])).toEqual([11, 12, 13]);
    expect(chosen(create(name), OUTSIDE)).toEqual([-1]);
  });

  it('of fixed servers leaves all others alone', () => {
    const fixedServers = new Set([address('10.0.0.21'), address('10.0.0.23')]);
    expect(chosen(create(name, { fixedServers }), [...RING, ...OUTSIDE])).toEqual([21, 23]);
    expect(chosen(create(name, { fixedServers }), RING)).toEqual([-1]);
  });

  it('does not choose a fixed server that is ill or drained', () => {
    const fixedServers = new Set(OUTSIDE.map((outside) => outside.address));
    const list = [
      server(21, { ...FIXED, active: false }),
      server(22, FIXED),
      server(23, { ...FIXED, weight: 0 }),
    ];
    expect(chosen(create(name, { fixedServers }), [...RING, ...list])).toEqual([22]);
  });

  it('may name members of the ring, too', () => {
    const fixedServers = new Set([address('10.0.0.12'), address('10.0.0.21')]);
    expect(chosen(create(name, { fixedServers }), [...RING, ...OUTSIDE])).toEqual([12, 21]);
  });

  it('over IPv6 wants servers that have such an address', () => {
    const address6 = parseIp('fd00::12') as Uint8Array;
    const list = [server(11), server(12, { address6 }), server(21, { ...FIXED, address6 })];
    expect(chosen(create(name, { wantsAddress6: true }), list)).toEqual([12]);
  });
});

describe('a service', () => {
  it('has nobody before it knows of servers', () => {
    expect(create('round-robin').choose(1)).toBe(-1);
  });
});

describe('a server outside the ring', () => {
  it('is no member: what it sends was not passed on', () => {
    const table = new ServerTable(new Int32Array(MAX_SERVERS));
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 21);
    table.set([server(11), server(21, { ...FIXED, mac })], 0);
    expect(table.isMember(mac, 0)).toBe(false);
    expect(table.isMember(server(11).mac, 0)).toBe(true);
  });

  it('keeps a MAC that was learned until the list has a better one', () => {
    const table = new ServerTable(new Int32Array(MAX_SERVERS));
    const [learned, listed] = [Uint8Array.of(2, 9, 9, 9, 9, 9), Uint8Array.of(2, 0, 0, 0, 0, 21)];
    table.set([server(21, FIXED)], 0);
    table.macs.set(learned, 0);
    table.set([server(21, FIXED)], 0);
    expect(table.macs.subarray(0, 6)).toEqual(learned);
    table.set([server(21, { ...FIXED, mac: listed })], 0);
    expect(table.macs.subarray(0, 6)).toEqual(listed);
    // Another server in the same slot has nothing of it.
    table.set([], 0);
    const others = Array.from({ length: MAX_SERVERS }, (_, n) =>
      server(n, { address: 0x0a010000 + n, ...FIXED }),
    );
    expect(table.set(others, 0)).toBe(0);
    expect(table.macs.every((byte) => byte === 0)).toBe(true);
  });

  it('is called by its IPv4 address, or by a number that no host has', () => {
    expect(serverName(0x0a000015)).toBe(0x0a000015);
    const names = Array.from({ length: 100 }, (_, n) => serverName(parseIp(`fd00::${n}`) as Uint8Array));
    expect(new Set(names).size).toBe(100);
    expect(names.every((name) => name >>> 28 === 15)).toBe(true);
  });
});
