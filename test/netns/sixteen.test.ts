import { Cluster, type ClusterHost } from '@ringmaster/lab';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ringOf } from './ringOf.js';

/** A ring of sixteen: everybody starts at once, one dies, two neighbours die at once, all return. */

const NODES = 16;
const PATIENCE_MS = 60_000;
const MEASURED_MS = 5000;
/** USER_HZ: what /proc/PID/stat counts in. */
const TICKS_PER_SECOND = 100;

let cluster: Cluster;
beforeAll(
  async () => (cluster = await Cluster.raise({ nodes: NODES, patienceMs: PATIENCE_MS })),
  2 * PATIENCE_MS,
);
afterAll(() => cluster.close());

async function idsOf(hosts: readonly ClusterHost[]): Promise<number[]> {
  const status = await cluster.whole(PATIENCE_MS);
  const members = status.ring.members.filter(({ active }) => active);
  expect(members.map(({ address }) => address)).toEqual(hosts.map(({ address }) => address));
  return members.map(({ id }) => id);
}

/** CPU seconds so far, user and system, of all threads. */
async function cpuSeconds({ node }: ClusterHost): Promise<number> {
  const fields = (await readFile(`/proc/${node.process.pid}/stat`, 'utf8')).split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function bytesSent({ host }: ClusterHost): Promise<number> {
  return Number((await host.exec('cat', ['/sys/class/net/eth0/statistics/tx_bytes'])).stdout);
}

/** What a member costs while nothing happens: CPU seconds and bytes sent. */
async function cost(host: ClusterHost): Promise<{ cpu: number; bytes: number }> {
  return { cpu: await cpuSeconds(host), bytes: await bytesSent(host) };
}

async function purges(hosts: readonly ClusterHost[]): Promise<number> {
  const statuses = await Promise.all(hosts.map(({ node }) => node.status()));
  return statuses.reduce(
    (sum, { counters }) => sum + (counters['ring'] as Record<string, number>)['purges'],
    0,
  );
}

test('sixteen nodes that start at once are one ring, with sixteen ids', async () => {
  const ids = await idsOf(cluster.hosts);
  expect(new Set(ids).size).toBe(NODES);
  expect(ids).not.toContain(0);
});

test('a ring in which nothing happens costs little (printed), and stays as it is', async () => {
  const before = await cluster.whole(PATIENCE_MS);
  const start = await Promise.all(cluster.hosts.map(cost));
  await new Promise((resolve) => setTimeout(resolve, MEASURED_MS));
  const end = await Promise.all(cluster.hosts.map(cost));
  const seconds = MEASURED_MS / 1000;
  const per = (what: 'cpu' | 'bytes') =>
    end.reduce((sum, figures, i) => sum + figures[what] - start[i][what], 0) / NODES / seconds;
  console.log(
    `16 nodes: ${(100 * per('cpu')).toFixed(1)} % of one CPU and ${per('bytes').toFixed(0)} bytes/s sent, each`,
  );
  expect(ringOf(await cluster.whole(PATIENCE_MS))).toEqual(ringOf(before));
});

test('the dispatcher is killed: the next one dispatches, nobody is purged', async () => {
  const [first, ...others] = cluster.hosts;
  const before = await purges(others);
  await first.kill();
  expect((await cluster.whole(PATIENCE_MS)).address).toBe(others[0].address);
  expect(await purges(others)).toBe(before);
});

test('two neighbours die at once: the ring is rebuilt without them', async () => {
  const [, , , , fifth, sixth] = cluster.hosts;
  await Promise.all([fifth.kill(), sixth.kill()]);
  await idsOf(cluster.living);
  expect(cluster.living).toHaveLength(NODES - 3);
});

test('all of them return, each with an id of its own', async () => {
  for (const host of cluster.hosts) if (!host.up) await host.start();
  const ids = await idsOf(cluster.hosts);
  expect(new Set(ids).size).toBe(NODES);
  expect(ids).not.toContain(0);
});
