import {
  burst,
  Cluster,
  HeldConnections,
  RequestStream,
  waitForDispatcher,
  type ClusterHost,
} from '@ringmaster/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';

/**
 * Row S12 from end to end: the whole product with its ring over Ethernet. The MACs are in the opposite order of the IPv4
 * addresses, so n4 is preferred; what users see are IPv4 addresses all the same.
 */

const CONNECTIONS = 200;
const STALLED_MS = 4000;

let cluster: Cluster;
/** In the order of the ring. */
let order: ClusterHost[];

beforeAll(async () => {
  cluster = await Cluster.build({ ring: { transport: 'ethernet' } });
  order = [...cluster.hosts].reverse();
  for (const [index, { host }] of order.entries()) {
    const { code } = await host.exec('ip', ['link', 'set', 'eth0', 'address', `02:00:00:00:00:1${index}`]);
    expect(code).toBe(0);
  }
  await Promise.all(order.map((host) => host.start()));
});
afterAll(() => cluster.close());

/** Waits until these hosts, in their order, are one ring that the first of them dispatches, on every node's word. */
async function whole(hosts: readonly ClusterHost[]): Promise<void> {
  const addresses = hosts.map(({ address }) => address);
  const shapes = async () => {
    const statuses = await Promise.all(hosts.map(({ node }) => node.status()));
    return statuses.map(({ address, ring }) => {
      const active = ring.members.filter((member) => member.active);
      return { address, dispatcher: ring.dispatcher, members: active.map((member) => member.address) };
    });
  };
  const expected = addresses.map((address) => ({ address, dispatcher: addresses[0], members: addresses }));
  await expect.poll(shapes, { timeout: 20_000 }).toEqual(expected);
}

test('the cluster forms and serves, evenly, and no node has a UDP socket', async () => {
  await whole(order);
  const { servers, failed } = await burst(cluster.client, cluster.target, { count: 200 });
  expect(failed).toBe(0);
  expect(servers).toEqual({ n1: 50, n2: 50, n3: 50, n4: 50 });
  for (const { host } of order) expect((await host.exec('ss', ['-Hlnu'])).stdout).toBe('');
});

test('the dispatcher is killed: the next one takes over, and no connection of a survivor is lost', async () => {
  const { client, target } = cluster;
  const held = await HeldConnections.open(client, target, { connections: CONNECTIONS, stalled: STALLED_MS });
  const stream = new RequestStream(client, target);
  await stream.firstServed(0, 10_000);
  const [victim, ...survivors] = order;
  await victim.kill();
  const { at, status } = await waitForDispatcher(survivors);
  expect(status.address).toBe(survivors[0].address);
  expect(status.rebuild).toMatchObject({ state: 'done', percent: 100 });
  await stream.firstServed(at, 10_000);
  await whole(survivors);

  await victim.start();
  await whole(order);
  // A connection counts as stalled when nobody has answered its pings for so long.
  await new Promise((resolve) => setTimeout(resolve, STALLED_MS + 1000));
  const { servers } = await held.state();
  for (const { name } of survivors) {
    expect(held.placed[name]).toBeGreaterThan(0);
    expect(servers[name]).toMatchObject({ held: held.placed[name], alive: held.placed[name] });
  }
});

test('nodes leave on SIGTERM within their time, the ring socket with its thread included', async () => {
  const [last] = order;
  for (const host of [...order].reverse()) {
    expect(await host.node.stop()).toEqual({ code: 0, signal: null });
    if (host === last) break;
    await whole(order.slice(0, order.indexOf(host)));
    const { failed } = await burst(cluster.client, cluster.target, { count: 20 });
    expect(failed).toBe(0);
  }
});
