import { formatKeyFile, generateKey } from '@ringmaster/node';
import { burst, Cluster, type ClusterHost } from '@ringmaster/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** Two clusters on one LAN, in different modes and with keys of their own, do not disturb each other. */

const OTHER_ADDRESS = '10.0.0.120';
const PATIENCE_MS = 20_000;
const OTHER_KEY = formatKeyFile(generateKey());
const OTHER = [{ address: OTHER_ADDRESS, mode: 'l4/3', gateway: '10.0.0.253', ports: [{ port: 80 }] }];

let cluster: Cluster;
let first: ClusterHost[];
let second: ClusterHost[];

beforeAll(async () => {
  const perNode = (index: number) => (index < 2 ? {} : { key: OTHER_KEY, settings: { clusters: OTHER } });
  cluster = await Cluster.build({ perNode });
  await Promise.all(cluster.hosts.map((host) => host.start()));
  first = cluster.hosts.slice(0, 2);
  second = cluster.hosts.slice(2);
  await bothWhole();
});
afterAll(() => cluster?.close());

/** Waits until each cluster is one ring of its living hosts, and its smallest one dispatches. */
async function bothWhole(): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (const hosts of [first, second]) {
    const living = hosts.filter(({ up }) => up);
    const expected = { dispatcher: living[0].address, members: living.map(({ address }) => address) };
    for (const { node } of living) {
      for (;;) {
        const ring = describeRing(await node.status());
        if (JSON.stringify(ring) === JSON.stringify(expected)) break;
        if (Date.now() > deadline) expect(ring).toEqual(expected);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

function describeRing({ ring }: Awaited<ReturnType<ClusterHost['node']['status']>>) {
  const active = ring.members.filter((member) => member.active);
  return { dispatcher: ring.dispatcher, members: active.map(({ address }) => address) };
}

async function bothServe(): Promise<void> {
  for (const [hosts, target] of [
    [first, cluster.target],
    [second, `${OTHER_ADDRESS}:80`],
  ] as const) {
    const living = hosts.filter(({ up }) => up).map(({ name }) => name);
    const { servers, clients, failed } = await burst(cluster.client, target, { count: 40 });
    expect(failed).toBe(0);
    expect(Object.keys(servers).sort()).toEqual(living);
    expect(clients).toEqual([cluster.client.address]);
  }
}

test('both serve, each with its own hosts', () => bothServe());

test('the dispatchers of both are killed, and return: each cluster goes on by itself', async () => {
  await Promise.all([first[0].kill(), second[0].kill()]);
  await bothWhole();
  await bothServe();
  await Promise.all([first[0].start(), second[0].start()]);
  await bothWhole();
  await bothServe();
});
