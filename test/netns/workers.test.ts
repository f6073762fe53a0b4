import { Lab, startHttpService, type Host } from '@ringmaster/lab';
import { virtualMacOf } from '@ringmaster/dispatch';
import { fanoutHash4 } from 'libnetraw';
import { parseIpv4 } from 'libnetraw/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataPlaneStats } from '../../packages/node/src/dataplane/index.js';
import { openChannel, type Channel } from './channel.js';
import { ownClusterAddress, startPlanes } from './planes.js';

/** Two data-plane workers on one host, and another host's two that take over: a map each, and clients that stay where they are. */
const CLUSTER = parseIpv4('10.0.0.100')!;
const OPTIONS = {
  interface: 'eth0',
  clusters: [
    { address: CLUSTER, virtualMac: virtualMacOf(CLUSTER), ports: [{ port: 80, protocol: 'tcp' as const }] },
  ],
  maxConnections: 10_000,
  ringSlots: 128,
  workers: 2,
};
const CLIENTS = Array.from({ length: 16 }, (_, i) => `10.0.0.${30 + i}`);
const workerOf = (client: string): number => fanoutHash4(parseIpv4(client)!) % OPTIONS.workers;

let lab: Lab;
let client: Host;
let nodes: Host[];
let browser: Channel;
let planes: Channel[];

beforeAll(async () => {
  lab = await Lab.create();
  const lan = await lab.lan('lan', '10.0.0.0/24');
  client = await lab.host('client', { lan, address: '10.0.0.2/24' });
  for (const address of CLIENTS) await client.addAddress(`${address}/24`);
  nodes = [];
  for (const i of [1, 2, 3]) {
    const node = await lab.host(`n${i}`, { lan, address: `10.0.0.1${i}/24` });
    await ownClusterAddress(node, '10.0.0.100', ['eth0']);
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

describe('two workers', () => {
  it('have the clients that the hash gives them, and ask nothing of each other', async () => {
    const shares = [0, 1].map((worker) => CLIENTS.filter((address) => workerOf(address) === worker).length);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    for (const address of CLIENTS) {
      const { clients } = await browser.call<{ clients: string[] }>('requests', 3, 5000, address);
      expect(clients).toEqual([address]);
    }
    const after = await stats(0);
    expect(after.workers.map(({ connections }) => connections)).toEqual(shares.map((count) => count * 3));
    expect(after.connections.total).toBe(CLIENTS.length * 3);
    expect(after.events.scheduled).toBe(CLIENTS.length * 3);
    expect(after.frames).toBe(after.workers.reduce((sum, { frames }) => sum + frames, 0));
    expect((await planes[0].call<unknown[]>('snapshot', 1000)).length).toBe(CLIENTS.length * 3);
    expect((await planes[0].call<unknown[]>('snapshot', 20)).length).toBe(20);
  });

  it('spread connections evenly together', async () => {
    const servers: Record<string, number> = {};
    for (const address of CLIENTS) {
      const answered = await browser.call<{ servers: Record<string, number> }>('requests', 6, 5000, address);
      for (const [name, count] of Object.entries(answered.servers))
        servers[name] = (servers[name] ?? 0) + count;
    }
    for (const name of ['n1', 'n2', 'n3']) expect(Math.abs(servers[name] - 32)).toBeLessThanOrEqual(2);
  });

  it('are followed by two of another host, and no connection of a survivor is lost', async () => {
    for (const address of CLIENTS) await browser.call('openStream', address, address);
    const before = new Map<string, string>();
    for (const address of CLIENTS) before.set(address, await browser.call('echo', address, 'before', 5000));
    expect(new Set(before.values())).toEqual(new Set(['n1', 'n2', 'n3']));
    process.kill(planes[0].pid, 'SIGKILL');
    await planes[1].call('hold', true);
    await planes[1].call('role', 'dispatch');
    await planes[1].call('announce', 'eth0', announcement());
    const echoes = Promise.all(CLIENTS.map((address) => browser.call('echo', address, 'after', 10_000)));
    await expect.poll(async () => (await stats(1)).heldFrames).toBeGreaterThanOrEqual(CLIENTS.length);
    for (const node of nodes) {
      const there = openChannel(node, 'dataplane.mjs');
      const filter = { localAddress: CLUSTER, ports: [80], states: ['established'] };
      const list = await there.call<object>('connections', filter);
      const report = await planes[1].call<{ refused: number }>('enter', parseIpv4(node.address), {
        family: 4,
        ...list,
      });
      expect(report.refused).toBe(0);
      await there.close();
    }
    await planes[1].call('hold', false);
    expect(await echoes).toEqual(CLIENTS.map((address) => before.get(address)));
    const after = await stats(1);
    for (const [worker, { connections }] of after.workers.entries()) {
      const own = CLIENTS.filter((address) => workerOf(address) === worker).length;
      expect(connections).toBeGreaterThanOrEqual(own);
    }
    expect(after.drops.unknownConnection).toBe(0);
  });

  it('say once that the interface went down, and go on as before when it is up', async () => {
    expect(await planes[1].call('errors')).toEqual([]);
    await nodes[1].exec('ip', ['link', 'set', 'eth0', 'down']);
    await expect.poll(() => planes[1].call('errors')).toEqual(['interface-down']);
    await nodes[1].exec('ip', ['link', 'set', 'eth0', 'up']);
    // The rings share the frames in the same order as before.
    for (const address of CLIENTS.slice(0, 6)) {
      await expect
        .poll(() => browser.call('requests', 3, 1000, address), { timeout: 10_000 })
        .toMatchObject({ clients: [address] });
    }
    await planes[1].call('close');
    expect(await planes[1].call('snapshot', 10)).toEqual([]);
  });
});

/** A frame that tells the switch where the virtual MAC is now. */
function announcement(): Uint8Array {
  const frame = new Uint8Array(60);
  frame.fill(0xff, 0, 6);
  frame.set(virtualMacOf(CLUSTER), 6);
  frame.set([0x88, 0xb5], 12);
  return frame;
}
