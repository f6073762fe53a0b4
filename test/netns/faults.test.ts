import {
  Cluster,
  HeldConnections,
  RequestStream,
  waitForDispatcher,
  type ClusterHost,
} from '@ringmaster/lab';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** Faults other than the death of a process: rules R11, R14, R19. Each ends with the cluster as it was. */

const STALLED_MS = 6000;

let cluster: Cluster;
let held: HeldConnections;
let stream: RequestStream;

beforeEach(async () => {
  cluster = await Cluster.raise();
  const { client, target } = cluster;
  held = await HeldConnections.open(client, target, { connections: 200, stalled: STALLED_MS });
  stream = new RequestStream(client, target);
  await stream.firstServed(0, 10_000);
});
afterEach(() => cluster.close());

/** All long-lived connections on these hosts are answered. */
async function allAlive(hosts: readonly ClusterHost[]): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, STALLED_MS / 2));
  const { servers } = await held.state();
  for (const { name } of hosts) {
    expect(held.placed[name]).toBeGreaterThan(0);
    expect(servers[name]).toMatchObject({ held: held.placed[name], alive: held.placed[name] });
  }
}

const lastServed = () => stream.requests.at(-1)?.end ?? 0;

test("the dispatcher's cable is pulled, and put back: the others' connections go on through both", async () => {
  const [n1, ...others] = cluster.hosts;
  await n1.host.unplug();
  const { status } = await waitForDispatcher(others);
  expect(status.address).toBe(others[0].address);
  await stream.firstServed(lastServed(), 10_000);
  await allAlive(others);
  await n1.host.plug();
  expect((await cluster.whole()).address).toBe(n1.address);
  await allAlive(others);
  await stream.firstServed(lastServed(), 10_000);
});

test('the dispatcher sleeps for a while: it is replaced, and on waking neither accuses nor disturbs anybody', async () => {
  const [n1, ...others] = cluster.hosts;
  n1.node.process.pause();
  const { status } = await waitForDispatcher(others);
  expect(status.address).toBe(others[0].address);
  await allAlive(others);
  n1.node.process.resume();
  expect((await cluster.whole()).address).toBe(n1.address);
  await allAlive(others);
  await stream.firstServed(lastServed(), 10_000);
});

test('the LAN falls apart: each part has its own ring; healed, one dispatcher abdicates and nothing is lost', async () => {
  const [n1, n2, n3, n4] = cluster.hosts;
  const parts = [
    [n1, n2],
    [n3, n4],
  ];
  await cluster.lan.partition(...parts.map((part) => part.map(({ host }) => host)));
  const membersOf = async ({ node }: ClusterHost) => {
    const { ring } = await node.status();
    return { members: ring.members.filter(({ active }) => active).map(({ address }) => address), ring };
  };
  for (const part of parts) {
    for (const host of part) {
      await expect
        .poll(async () => (await membersOf(host)).members, { timeout: 10_000 })
        .toEqual(part.map(({ address }) => address));
    }
  }
  await waitForDispatcher([n3]);
  await allAlive([n1, n2]);
  await stream.firstServed(lastServed(), 10_000);
  await cluster.lan.heal();
  expect((await cluster.whole()).address).toBe(n1.address);
  expect((await n3.node.status()).role).toBe('server');
  await allAlive([n1, n2]);
  await stream.firstServed(lastServed(), 10_000);
});
