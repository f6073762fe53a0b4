import { Lab, startHttpService, type Host } from '@ringmaster/lab';
import { announcementFrames, virtualMacOf } from '@ringmaster/dispatch';
import { fanoutHash6 } from 'libnetraw';
import { parseIp, parseIpv4 } from 'libnetraw/wire';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DataPlaneStats } from '../../packages/node/src/dataplane/index.js';
import { openChannel, type Channel } from './channel.js';
import { startPlanes } from './planes.js';

/** An IPv6 cluster address in L4/2: found by neighbour discovery, dispatched by two workers, taken over by two others. */
const ADDRESS = 'fd00:a::100';
const CLUSTER = parseIp(ADDRESS) as Uint8Array;
const OPTIONS = {
  interface: 'eth0',
  clusters: [
    { address: CLUSTER, virtualMac: virtualMacOf(CLUSTER), ports: [{ port: 80, protocol: 'tcp' as const }] },
  ],
  maxConnections: 1000,
  ringSlots: 128,
  workers: 2,
};
const CLIENTS = Array.from({ length: 12 }, (_, i) => `fd00:a::${30 + i}`);
const workerOf = (client: string): number => fanoutHash6(parseIp(client) as Uint8Array, 0) % OPTIONS.workers;

let lab: Lab;
let nodes: Host[];
let browser: Channel;
let planes: Channel[];

beforeAll(async () => {
  lab = await Lab.create();
  const lan = await lab.lan('lan', '10.0.0.0/24', 'fd00:a::/64');
  const client = await lab.host('client', { lan, address: '10.0.0.2/24' });
  for (const address of CLIENTS)
    await client.exec('ip', ['addr', 'add', `${address}/64`, 'dev', 'eth0', 'nodad']);
  nodes = [];
  for (const i of [1, 2, 3]) {
    const node = await lab.host(`n${i}`, { lan, address: `10.0.0.1${i}/24` });
    await node.exec('ip', ['addr', 'add', `${ADDRESS}/128`, 'dev', 'lo', 'nodad']);
    await startHttpService(node, 80, '::');
    nodes.push(node);
  }
  browser = openChannel(client, 'client.mjs');
  await browser.call('call', ADDRESS);
  planes = await startPlanes(nodes, OPTIONS);
});

afterAll(async () => {
  for (const channel of [...planes, browser]) await channel.close();
  await lab.close();
});

const stats = (plane: number): Promise<DataPlaneStats> => planes[plane].call('stats');

it('is found by neighbour discovery, and each client meets the worker that the hash names', async () => {
  const servers: Record<string, number> = {};
  for (const address of CLIENTS) {
    const answered = await browser.call<{ servers: Record<string, number>; clients: string[] }>(
      'requests',
      3,
      5000,
      address,
    );
    expect(answered.clients).toEqual([address]);
    for (const [name, count] of Object.entries(answered.servers))
      servers[name] = (servers[name] ?? 0) + count;
  }
  expect(Object.keys(servers).sort()).toEqual(['n1', 'n2', 'n3']);
  const { workers, verdicts, loopback } = await stats(0);
  const shares = [0, 1].map((worker) => CLIENTS.filter((address) => workerOf(address) === worker).length);
  expect(Math.min(...shares)).toBeGreaterThan(0);
  expect(workers.map(({ connections }) => connections)).toEqual(shares.map((count) => count * 3));
  expect(verdicts.answer).toBeGreaterThan(0);
  expect(loopback.sent).toBe(verdicts.local);
});

it('carries 20 MB up intact', async () => {
  const { sent, received } = await browser.call<{ sent: string; received: string }>('upload', 20_000_000);
  expect(received).toBe(sent);
});

it('is taken over by another host, with the connections of its servers', async () => {
  for (const address of CLIENTS) await browser.call('openStream', address, address);
  const before: string[] = [];
  for (const address of CLIENTS) before.push(await browser.call('echo', address, 'before', 5000));
  process.kill(planes[0].pid, 'SIGKILL');
  await planes[1].call('hold', true);
  await planes[1].call('role', 'dispatch');
  for (const frame of announcementFrames(CLUSTER, virtualMacOf(CLUSTER)))
    await planes[1].call('announce', 'eth0', frame);
  const echoes = Promise.all(CLIENTS.map((address) => browser.call('echo', address, 'after', 10_000)));
  await expect.poll(async () => (await stats(1)).heldFrames).toBeGreaterThanOrEqual(CLIENTS.length);
  for (const node of nodes) {
    const there = openChannel(node, 'dataplane.mjs');
    const filter = { localAddress: CLUSTER, ports: [80], states: ['established'] };
    const list = await there.call<object>('connections6', filter);
    const report = await planes[1].call<{ refused: number }>('enter', parseIpv4(node.address), {
      family: 6,
      ...list,
    });
    expect(report.refused).toBe(0);
    await there.close();
  }
  await planes[1].call('hold', false);
  expect(await echoes).toEqual(before);
  expect((await stats(1)).drops.unknownConnection).toBe(0);
});
