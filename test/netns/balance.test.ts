import type { MemberStatus, StatusDocument } from '@ringmaster/node';
import {
  burst,
  Cluster,
  CLUSTER_ADDRESS,
  HeldConnections,
  nowMs,
  type ClusterHost,
  type NodeFile,
} from '@ringmaster/lab';
import { afterEach, expect, test } from 'vitest';

/** Rows U2 and U3 with real traffic: slow start, affinity, load-aware. */

let cluster: Cluster;
afterEach(() => cluster.close());

const PATIENCE_MS = 30_000;
/** A busy machine may keep a node from being heard for a while: that is not what is tested here. */
const ring = { communicationTimeoutMs: 1000 };

const clusters = (port: object) => [
  { address: CLUSTER_ADDRESS, mode: 'l4/2', ports: [{ port: 80, protocol: 'tcp', ...port }] },
];

async function until(what: string, holds: (status: StatusDocument) => boolean): Promise<StatusDocument> {
  const deadline = nowMs() + PATIENCE_MS;
  for (;;) {
    const status = await cluster.hosts[0].node.status();
    if (holds(status)) return status;
    if (nowMs() > deadline) throw new Error(`${what} never held: ${JSON.stringify(status.ring.members)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const memberOf = ({ ring: { members } }: StatusDocument, { address }: ClusterHost): MemberStatus =>
  members.find((member) => member.address === address)!;

async function shares(count = 300): Promise<Record<string, number>> {
  const { servers, failed } = await burst(cluster.client, cluster.target, { count });
  expect(failed).toBe(0);
  return Object.fromEntries(Object.entries(servers).map(([name, times]) => [name, times / count]));
}

test('slow start: a node that comes back is given little at first, and its full share in the end', async () => {
  cluster = await Cluster.raise({
    nodes: 3,
    ring,
    settings: { slowStartMs: 60_000, clusters: clusters({}) },
  });
  const [n1, n2, n3] = cluster.hosts;
  await n3.node.stop();
  await until('n3 away', (status) => !memberOf(status, n3).active);
  // It has not grown cold by an absence that a ring purge could have caused.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await n3.startNode();
  const cold = await until('n3 back', (status) => memberOf(status, n3).active);
  expect(memberOf(cold, n3).weight).toMatchObject({ configured: 1, loadFactor: 1 });
  expect(memberOf(cold, n3).weight!.share).toBeLessThan(0.2);
  const { n3: early = 0 } = await shares();
  const later = await cluster.hosts[0].node.status();
  const shareOf = (status: StatusDocument, host: ClusterHost): number => memberOf(status, host).weight!.share;
  // Shares only grow: its own at the end of the requests among those of the others at their beginning.
  const after = shareOf(later, n3);
  expect(early).toBeLessThanOrEqual(after / (shareOf(cold, n1) + shareOf(cold, n2) + after) + 0.02);
  // It grows while nobody does anything.
  await until('n3 warmer', (status) => memberOf(status, n3).weight!.share >= after + 0.1);
  expect(await shares()).toHaveProperty('n3');
});

test('affinity: one network, one server; another one when that dies; and the dispatcher may die', async () => {
  // Without affinity the heaviest that is there has the first turn.
  const port = { scheduler: 'weighted-round-robin', affinity: { prefix4: 24, timeoutMs: 600_000 } };
  const file = (index: number): NodeFile => ({ clusters: clusters(port), weight: [1, 1, 200, 100][index] });
  cluster = await Cluster.raise({ nodes: 4, ring, perNode: (index) => ({ settings: file(index) }) });
  const [n1, , n3] = cluster.hosts;
  expect(await shares(60)).toEqual({ n3: 1 });
  await n3.kill();
  await cluster.whole();
  expect(await shares(60)).toEqual({ n4: 1 });
  await n3.start();
  await cluster.whole();
  expect(await shares(60)).toEqual({ n4: 1 });
  // A connection that is open tells the next dispatcher where its network belongs.
  const held = await HeldConnections.open(cluster.client, cluster.target, {
    connections: 1,
    stalled: 10_000,
  });
  expect(held.placed).toEqual({ n4: 1 });
  expect((await cluster.whole()).address).toBe(n1.address);
  await n1.kill();
  await cluster.whole();
  expect(await shares(60)).toEqual({ n4: 1 });
  expect(held.harms).toEqual([]);
});

test('load-aware: a server whose answers are slow is given less', async () => {
  const check = (path: string) => ({
    http: `http://127.0.0.1:80${path}`,
    intervalMs: 300,
    timeoutMs: 5000,
    fall: 10,
  });
  const file = (index: number): NodeFile => ({
    clusters: clusters({ scheduler: 'load-aware', health: check(index === 2 ? '/slow?ms=400' : '/') }),
  });
  cluster = await Cluster.raise({ nodes: 3, ring, perNode: (index) => ({ settings: file(index) }) });
  const [n1, , n3] = cluster.hosts;
  const status = await until('n3 has less', (now) => (memberOf(now, n3).weight?.loadFactor ?? 1) < 0.6);
  expect(memberOf(status, n3).load!.responseMs).toBeGreaterThan(400);
  expect(memberOf(status, n1).weight!.loadFactor).toBeGreaterThan(1);
  const { n1: one = 0, n3: three = 0 } = await shares(400);
  expect(three).toBeGreaterThan(0);
  expect(three).toBeLessThan(0.7 * one);
});
