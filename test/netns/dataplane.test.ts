import { Lab, startHttpService, type Host } from '@ringmaster/lab';
import { announcementFrames, virtualMacOf, type ConnectionRow } from '@ringmaster/dispatch';
import { parseIpv4, parseMac } from 'libnetraw/wire';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DataPlaneStats } from '../../packages/node/src/dataplane/index.js';
import { openChannel, type Channel } from './channel.js';
import { carryIntact } from './planes.js';

/**
 * The data plane on real packets: a client and three servers on one switch, the data plane on the first of the servers,
 * with a server table made by hand. No ring, no daemon.
 */
const CLUSTER = parseIpv4('10.0.0.100')!;
const VIRTUAL_MAC = virtualMacOf(CLUSTER);
const OPTIONS = {
  interface: 'eth0',
  clusters: [{ address: CLUSTER, virtualMac: VIRTUAL_MAC, ports: [{ port: 80, protocol: 'tcp' as const }] }],
  maxConnections: 10_000,
  ringSlots: 128,
};

let lab: Lab;
let client: Host;
let nodes: Host[];
let browser: Channel;
let plane: Channel;

beforeAll(async () => {
  lab = await Lab.create();
  const lan = await lab.lan('lan', '10.0.0.0/24');
  client = await lab.host('client', { lan, address: '10.0.0.2/24' });
  nodes = [];
  for (const i of [1, 2, 3]) {
    const node = await lab.host(`n${i}`, { lan, address: `10.0.0.1${i}/24` });
    await node.addAddress('10.0.0.100/32', 'lo');
    for (const where of ['all', 'eth0']) {
      await sysctl(node, `net/ipv4/conf/${where}/arp_ignore`, '1');
      await sysctl(node, `net/ipv4/conf/${where}/arp_announce`, '2');
    }
    await startHttpService(node);
    nodes.push(node);
  }
  browser = openChannel(client, 'client.mjs');
  plane = openChannel(nodes[0], 'dataplane.mjs');
  await plane.call('start', OPTIONS);
  await plane.call('servers', serverTable());
});

afterAll(async () => {
  await plane.call('close');
  await Promise.all([plane.close(), browser.close()]);
  await lab.close();
});

beforeEach(async () => {
  await plane.call('role', 'off');
  await plane.call('hold', false);
  await plane.call('role', 'dispatch');
  await plane.call('keepLease');
  await commandsApplied();
});

/** Commands do not wait for the worker, but they keep their order, and this one has an answer. */
async function commandsApplied(): Promise<void> {
  await plane.call('snapshot', 0);
}

async function sysctl(host: Host, path: string, value: string): Promise<void> {
  await host.exec('sh', ['-c', `echo ${value} > /proc/sys/${path}`]);
}

function serverTable(inactive: readonly Host[] = []) {
  return nodes.map((node) => ({
    address: parseIpv4(node.address)!,
    mac: parseMac(node.mac)!,
    weight: 1,
    active: !inactive.includes(node),
    local: node === nodes[0],
  }));
}

const stats = (): Promise<DataPlaneStats> => plane.call('stats');

interface Requests {
  readonly servers: Record<string, number>;
  readonly clients: readonly string[];
}

describe('dispatching', () => {
  it('spreads 300 requests evenly, its own host included, and the services see the client', async () => {
    const { servers, clients } = await browser.call<Requests>('requests', 300);
    expect(servers).toEqual({ n1: 100, n2: 100, n3: 100 });
    expect(clients).toEqual(['10.0.0.2']);
  });

  it('leaves the kernel alone: no forwarding, no rule', async () => {
    for (const node of nodes) {
      expect((await node.exec('cat', ['/proc/sys/net/ipv4/ip_forward'])).stdout.trim()).toBe('0');
      expect(
        (await node.exec('sh', ['-c', 'if command -v nft; then nft list ruleset; fi'])).stdout,
      ).not.toContain('chain');
      const { stdout } = await node.exec('sh', [
        '-c',
        'if command -v tc; then tc filter show dev eth0 ingress; fi',
      ]);
      expect(stdout).not.toContain('filter');
    }
  });

  it('counts what it did', async () => {
    const before = await stats();
    await browser.call('requests', 30);
    const after = await stats();
    expect(after.events.scheduled - before.events.scheduled).toBe(30);
    const given = (name: string): number => after.verdicts[name] - before.verdicts[name];
    expect(after.frames - before.frames).toBe(
      given('forward') + given('local') + given('answer') + given('ignore'),
    );
    expect(after.batches - before.batches).toBeLessThanOrEqual(after.frames - before.frames);
    expect(after.wire.sent - before.wire.sent).toBe(given('forward') + given('answer'));
    expect(after.loopback.sent - before.loopback.sent).toBe(given('local'));
    expect(given('local')).toBeGreaterThan(10);
    expect(after).toMatchObject({ ringDropped: 0, truncated: 0, heldFrames: 0 });
  });

  it('carries 20 MB down and up intact, to each of the servers', async () => {
    await carryIntact(browser, nodes.length);
  });

  it('shows its connections', async () => {
    await browser.call('openStream', 'shown');
    const server = await browser.call<string>('echo', 'shown', 'hello', 5000);
    const rows = await plane.call<ConnectionRow[]>('snapshot', 10_000);
    const row = rows.find(({ state }) => state === 'established');
    expect(row).toMatchObject({
      clientAddress: parseIpv4('10.0.0.2'),
      clusterAddress: CLUSTER,
      port: 80,
      protocol: 6,
    });
    expect(row?.serverAddress).toBe(parseIpv4(nodes.find(({ name }) => name === server)!.address));
    expect(await plane.call('snapshot', 0)).toEqual([]);
    expect((await stats()).connections.established).toBe(1);
    await browser.call('closeStream', 'shown');
  });

  it('gives no new connections to a server that is not active', async () => {
    await plane.call('servers', serverTable([nodes[1]]));
    expect((await browser.call<Requests>('requests', 40)).servers).toEqual({ n1: 20, n3: 20 });
    await plane.call('servers', serverTable());
  });
});

describe('the lease', () => {
  it('ends dispatching when nobody renews it', async () => {
    await browser.call('requests', 3);
    const before = (await stats()).drops.leaseExpired;
    await plane.call('endLease');
    await expect(browser.call('requests', 1, 300)).rejects.toThrow();
    expect((await stats()).drops.leaseExpired).toBeGreaterThan(before);
    await plane.call('keepLease');
    expect((await browser.call<Requests>('requests', 3)).clients).toEqual(['10.0.0.2']);
  });

  it('keeps a process that was stopped from forwarding what waited for it', async () => {
    await browser.call('openStream', 'paused');
    const server = await browser.call<string>('echo', 'paused', 'one', 5000);
    const before = await stats();
    process.kill(plane.pid, 'SIGSTOP');
    expect(await browser.call('echo', 'paused', 'two', 500)).toBeUndefined();
    process.kill(plane.pid, 'SIGCONT');
    // The renewal that comes at once is refused, the next one counts, and TCP repeats what was lost.
    expect(await browser.call('echo', 'paused', 'three', 10_000)).toBe(server);
    expect((await stats()).drops.leaseExpired).toBeGreaterThan(before.drops.leaseExpired);
    await browser.call('closeStream', 'paused');
  });
});

describe('a dispatcher that begins anew', () => {
  /** Forgets everything and begins to dispatch, as another host would that takes over. */
  async function takeOver(): Promise<void> {
    await plane.call('role', 'off');
    await plane.call('hold', true);
    await plane.call('role', 'dispatch');
    await commandsApplied();
  }

  async function enterAll(): Promise<number> {
    let entered = 0;
    for (const node of nodes) {
      const there = openChannel(node, 'dataplane.mjs');
      const list = await there.call('connections', {
        localAddress: CLUSTER,
        ports: [80],
        states: ['established'],
      });
      entered += (await plane.call<{ entered: number }>('enter', parseIpv4(node.address), list)).entered;
      await there.close();
    }
    return entered;
  }

  it('holds packets of unknown connections until it has learned them, and loses none', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const name of names) await browser.call('openStream', name);
    const servers: string[] = [];
    for (const name of names) servers.push(await browser.call('echo', name, 'before', 5000));
    expect(new Set(servers)).toEqual(new Set(['n1', 'n2', 'n3']));

    await takeOver();
    expect((await stats()).connections.total).toBe(0);
    const before = await stats();
    const echoes = Promise.all(names.map((name) => browser.call('echo', name, 'after', 10_000)));
    await expect.poll(async () => (await stats()).heldFrames).toBeGreaterThanOrEqual(names.length);
    const entered = await enterAll(); // with those of earlier tests whose end was lost while nobody dispatched
    expect(entered).toBeGreaterThanOrEqual(names.length);
    await plane.call('hold', false);
    expect(await echoes).toEqual(servers);

    const after = await stats();
    expect(after.heldFrames).toBe(0);
    expect(after.verdicts.hold - before.verdicts.hold).toBe(after.events.released - before.events.released);
    // One of the leftovers may repeat its FIN at any time.
    expect(after.connections.total).toBe(entered);
    expect(after.connections.established).toBeGreaterThanOrEqual(names.length);
    for (const name of names) await browser.call('closeStream', name);
  });

  it('serves new connections while it holds the old ones', async () => {
    await takeOver();
    expect((await browser.call<Requests>('requests', 6)).servers).toEqual({ n1: 2, n2: 2, n3: 2 });
  });

  it('drops packets of unknown connections, once it holds no more, without a reset', async () => {
    await browser.call('openStream', 'lost');
    await browser.call('echo', 'lost', 'before', 5000);
    await takeOver();
    await plane.call('hold', false);
    await commandsApplied();
    const before = (await stats()).drops.unknownConnection;
    expect(await browser.call('echo', 'lost', 'after', 300)).toBeUndefined();
    expect((await stats()).drops.unknownConnection).toBeGreaterThan(before);
    await enterAll();
    expect(await browser.call('echo', 'lost', 'later', 10_000)).toMatch(/^n[123]$/);
    await browser.call('closeStream', 'lost');
  });

  it('learns 100,000 connections while packets go on', async () => {
    await plane.call('close');
    await plane.close();
    plane = openChannel(nodes[0], 'dataplane.mjs');
    await plane.call('start', { ...OPTIONS, maxConnections: 200_000 });
    await plane.call('servers', serverTable());
    await plane.call('keepLease');
    await takeOver();
    const count = 100_000;
    const list = {
      family: 4,
      count,
      localAddress: new Uint32Array(count).fill(CLUSTER),
      localPort: new Uint16Array(count).fill(80),
      clientAddress: Uint32Array.from({ length: count }, (_, i) => parseIpv4('10.9.0.0')! + (i >>> 10)),
      clientPort: Uint16Array.from({ length: count }, (_, i) => 1024 + (i & 1023)),
      state: new Uint8Array(count).fill(1),
    };
    const learned = plane.call('enter', parseIpv4(nodes[1].address), list);
    expect((await browser.call<Requests>('requests', 3)).clients).toEqual(['10.0.0.2']);
    expect(await learned).toEqual({ entered: count, known: 0, moved: 0, refused: 0 });
    expect(await plane.call('enter', parseIpv4(nodes[1].address), list)).toMatchObject({
      entered: 0,
      known: count,
    });
    expect(await plane.call('enter', parseIpv4('10.0.0.99'), list)).toMatchObject({ refused: count });
    expect((await plane.call<ConnectionRow[]>('snapshot', 50_000)).length).toBe(50_000);
    await plane.call('hold', false);
  });
});

describe('a dispatcher that has handed over', () => {
  it('goes on with the connections it knows, and sends the rest to its successor', async () => {
    await browser.call('openStream', 'old');
    const server = await browser.call<string>('echo', 'old', 'before', 5000);
    const successor = openChannel(nodes[2], 'dataplane.mjs');
    await successor.call('start', OPTIONS);
    await successor.call(
      'servers',
      serverTable().map((entry, i) => ({ ...entry, local: i === 2 })),
    );
    await successor.call('keepLease');
    await plane.call('role', 'stray');
    // The switch has not heard of the successor yet, so the frames still come here.
    expect(await browser.call('echo', 'old', 'stray', 5000)).toBe(server);

    await successor.call('role', 'dispatch');
    for (const frame of announcementFrames(CLUSTER, VIRTUAL_MAC))
      await successor.call('announce', 'eth0', frame);
    const before = await successor.call<DataPlaneStats>('stats');
    expect((await browser.call<Requests>('requests', 6)).servers).toEqual({ n1: 2, n2: 2, n3: 2 });
    const after = await successor.call<DataPlaneStats>('stats');
    expect(after.events.scheduled - before.events.scheduled).toBe(6);
    await successor.call('close');
    await successor.close();
    for (const frame of announcementFrames(CLUSTER, VIRTUAL_MAC)) await plane.call('announce', 'eth0', frame);
    await browser.call('closeStream', 'old');
  });

  it('takes the virtual MAC off the card', async () => {
    const card = async (): Promise<string> =>
      (await nodes[0].exec('ip', ['-d', 'link', 'show', 'eth0'])).stdout;
    expect(await card()).toMatch(/promiscuity 1/);
    await plane.call('role', 'off');
    await commandsApplied();
    expect(await card()).toMatch(/promiscuity 0/);
    await expect(browser.call('requests', 1, 300)).rejects.toThrow();
  });
});

describe('trouble', () => {
  it('says that the interface went down, and goes on when it is up', async () => {
    await nodes[0].exec('ip', ['link', 'set', 'eth0', 'down']);
    await expect.poll(() => plane.call('errors')).toContain('interface-down');
    await nodes[0].exec('ip', ['link', 'set', 'eth0', 'up']);
    await expect
      .poll(() => browser.call('requests', 3, 500), { timeout: 10_000 })
      .toMatchObject({ clients: ['10.0.0.2'] });
  });

  it('refuses an interface that does not exist', async () => {
    const other = openChannel(nodes[1], 'dataplane.mjs');
    await expect(other.call('start', { ...OPTIONS, interface: 'eth7' })).rejects.toMatchObject({
      code: 'no-such-interface',
    });
    await other.close();
  });

  it('says what is missing without the right to open packet sockets', async () => {
    const prefix = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'];
    const other = openChannel(nodes[1], 'dataplane.mjs', prefix);
    await expect(other.call('start', OPTIONS)).rejects.toMatchObject({
      code: 'not-permitted',
      message: expect.stringContaining('CAP_NET_RAW') as unknown,
    });
    await other.close();
  });

  it('closes at once, whatever is going on, and twice if asked to', async () => {
    const other = openChannel(nodes[1], 'dataplane.mjs');
    await other.call('start', OPTIONS);
    await other.call('role', 'dispatch');
    await other.call('close');
    await other.call('close');
    expect(await other.call('snapshot', 10)).toEqual([]);
    await other.close();
  });
});
