import { Lab, startHttpService, type Host } from '@ringmaster/lab';
import { announcementFrames, virtualMacOf } from '@ringmaster/dispatch';
import { parseIpv4 } from 'libnetraw/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataPlaneStats } from '../../packages/node/src/dataplane/index.js';
import { openChannel, type Channel } from './channel.js';
import { carryIntact, ownClusterAddress, startPlanes } from './planes.js';

/**
 * L4/2 with two interfaces: clients come by the switch outside, the dispatcher brings their packets to the servers by the
 * switch inside, and the servers answer the clients directly.
 */
const CLUSTER = parseIpv4('10.0.0.100')!;
const VIRTUAL_MAC = virtualMacOf(CLUSTER);
const OPTIONS = {
  interface: 'eth0',
  outside: 'eth1',
  clusters: [{ address: CLUSTER, virtualMac: VIRTUAL_MAC, ports: [{ port: 80, protocol: 'tcp' as const }] }],
  maxConnections: 10_000,
  ringSlots: 128,
};

let lab: Lab;
let nodes: Host[];
let browser: Channel;
let planes: Channel[];

beforeAll(async () => {
  lab = await Lab.create();
  const outside = await lab.lan('outside', '10.0.0.0/24');
  const inside = await lab.lan('inside', '10.1.0.0/24');
  const client = await lab.host('client', { lan: outside, address: '10.0.0.2/24' });
  nodes = [];
  for (const i of [1, 2, 3]) {
    const more = [{ lan: outside, address: `10.0.0.1${i}/24` }];
    const node = await lab.host(`n${i}`, { lan: inside, address: `10.1.0.1${i}/24`, more });
    await ownClusterAddress(node, '10.0.0.100', ['eth0', 'eth1']);
    await startHttpService(node);
    nodes.push(node);
  }
  browser = openChannel(client, 'client.mjs');
  planes = await startPlanes(nodes, OPTIONS);
});

afterAll(async () => {
  for (const channel of [...planes, browser]) await channel.close();
  await lab.close();
});

const stats = (plane: number): Promise<DataPlaneStats> => planes[plane].call('stats');

interface Requests {
  readonly servers: Record<string, number>;
  readonly clients: readonly string[];
}

describe('a dispatcher between two switches', () => {
  it('answers outside for the cluster address, and brings packets to the servers inside', async () => {
    const { servers, clients } = await browser.call<Requests>('requests', 30);
    expect(servers).toEqual({ n1: 10, n2: 10, n3: 10 });
    expect(clients).toEqual(['10.0.0.2']);
    const { verdicts, wire, outside, loopback } = await stats(0);
    expect(verdicts.answer).toBeGreaterThan(0);
    expect(outside.sent).toBe(verdicts.answer);
    expect(wire.sent).toBe(verdicts.forward);
    expect(loopback.sent).toBe(verdicts.local);
    expect(Math.min(verdicts.forward, verdicts.local)).toBeGreaterThan(30);
  });

  it('carries 20 MB down and up intact, to each of the servers', async () => {
    await carryIntact(browser, nodes.length);
  });

  it('hands over: known connections go on inside, strangers go back to where they came from', async () => {
    await browser.call('openStream', 'old');
    const server = await browser.call<string>('echo', 'old', 'before', 5000);
    await planes[0].call('role', 'stray');
    expect(await browser.call('echo', 'old', 'stray', 5000)).toBe(server);
    const before = await stats(0);
    // Nobody dispatches, and the switch still thinks that the virtual MAC is here.
    await expect(browser.call('requests', 1, 300)).rejects.toThrow();
    const after = await stats(0);
    expect(after.events.passedOn).toBeGreaterThan(before.events.passedOn);
    expect(after.outside.sent - before.outside.sent).toBe(after.events.passedOn - before.events.passedOn);
    expect(after.wire.sent).toBe(before.wire.sent);

    await planes[1].call('role', 'dispatch');
    for (const frame of announcementFrames(CLUSTER, VIRTUAL_MAC))
      await planes[1].call('announce', 'eth1', frame);
    expect((await browser.call<Requests>('requests', 6)).servers).toEqual({ n1: 2, n2: 2, n3: 2 });
    expect((await stats(1)).events.scheduled).toBe(6);
    await browser.call('closeStream', 'old');
  });

  it('says which interface is in trouble, whichever it is, and goes on', async () => {
    for (const nic of ['eth0', 'eth1']) {
      const known = (await planes[1].call<string[]>('errors')).length;
      await nodes[1].exec('ip', ['link', 'set', nic, 'down']);
      await expect.poll(async () => (await planes[1].call<string[]>('errors')).length).toBe(known + 1);
      await nodes[1].exec('ip', ['link', 'set', nic, 'up']);
      await expect
        .poll(() => browser.call('requests', 3, 1000), { timeout: 10_000 })
        .toMatchObject({ clients: ['10.0.0.2'] });
    }
    expect(await planes[1].call('errors')).toEqual(['interface-down', 'interface-down']);
  });

  it('refuses an interface outside that does not exist', async () => {
    const other = openChannel(nodes[2], 'dataplane.mjs');
    await expect(other.call('start', { ...OPTIONS, outside: 'eth7' })).rejects.toMatchObject({
      code: 'no-such-interface',
    });
    await other.close();
  });
});
