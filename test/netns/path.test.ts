import { Cluster, Transfer, type Family, type Host, type Lan } from '@ringmaster/lab';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChannel, type Channel } from './channel.js';

/**
 * What the way between client and servers does to packets: it is narrower than their MTU, cuts datagrams to pieces, counts
 * their hops down. ICMP has to reach whom it concerns.
 */
const MODES = ['l4/2', 'l4/3'] as const;
const FAMILIES: readonly Family[] = [4, 6];
const NARROW_BYTES = 1300;
const BYTES = 3_000_000;
const NODES = 3;
/** Where probes with a small TTL go: to ports that serve, and to ports that do not. */
const TRACED = [
  ['udp', 33_434],
  ['udp', 9000],
  ['tcp', 80],
  ['tcp', 33_434],
] as const;

let cluster: Cluster;

const transfer = (client: Host, family: Family, protocol: 'tcp' | 'udp', more = {}) =>
  new Transfer(client, cluster.targetOf(family, 'bulk'), { protocol, bytes: BYTES, ...more });

const addressOf = (host: Host, family: Family) => (family === 4 ? host.address : host.address6!);

/** One more client. What is learned of a way is kept by address: each test takes a client that nobody knows yet. */
async function newClient(number: number): Promise<Host> {
  const { lab, wan } = cluster;
  return lab.host(`c${number}`, { lan: wan, address: `10.9.0.${number}/24`, gateway: '10.9.0.1' });
}

/** One connection for each of the servers, so that whose server the dispatcher is not is among them. */
async function everyServerPasses(client: Host, family: Family): Promise<void> {
  const outcomes = await Promise.all(cluster.hosts.map(() => transfer(client, family, 'tcp').outcome()));
  for (const outcome of outcomes) expect(outcome).toMatchObject({ intact: true });
  const served = outcomes.flatMap(({ servers }) => servers).sort();
  expect(served).toEqual(cluster.hosts.map(({ name }) => name));
}

/** Runs a test while one segment is narrow, seen from the router. */
async function whileNarrow(lan: Lan, body: () => Promise<void>): Promise<void> {
  await cluster.router.limitMtu(lan, NARROW_BYTES);
  try {
    await body();
  } finally {
    await cluster.router.limitMtu(lan, undefined);
  }
}

/** What a host thinks of the way to an address. */
async function way(host: Host, address: string, more: readonly string[] = []): Promise<string> {
  return (await host.exec('ip', ['route', 'get', address, ...more])).stdout;
}

/** Makes one side of the nodes narrow, for good; on the outer side the router's card is as narrow. */
async function narrowNodes(side: 'inner' | 'outer'): Promise<void> {
  const lan = side === 'inner' ? cluster.lan : cluster.front;
  const hosts = cluster.hosts.map(({ host }) => host);
  for (const host of side === 'inner' ? hosts : [...hosts, cluster.router]) {
    await host.exec('ip', ['link', 'set', host.nicOn(lan), 'mtu', String(NARROW_BYTES)]);
  }
}

describe.each(MODES)('%s, one card', (mode) => {
  let icmp: Channel;

  beforeAll(async () => {
    cluster = await Cluster.raise({ mode, families: FAMILIES, nodes: NODES, bulk: true });
    icmp = openChannel(cluster.client, 'icmp.mjs');
  });
  afterAll(async () => {
    await icmp?.close();
    await cluster?.close();
  });

  test.each(FAMILIES)('IPv%s: the way to the client is narrow, and the servers learn it', async (family) => {
    const client = await newClient(20 + family);
    await whileNarrow(cluster.wan, () => everyServerPasses(client, family));
    // In L4/3 it is noted for a route that depends on the port, which cannot be asked for.
    if (mode === 'l4/3') return;
    const from = ['from', cluster.layout.clusterAddress(family)];
    for (const { host } of cluster.hosts) {
      expect(await way(host, addressOf(client, family), from)).toContain(`mtu ${NARROW_BYTES}`);
    }
  });

  test.each(FAMILIES)('IPv%s: the way to the servers is narrow, and the client learns it', async (family) => {
    const client = await newClient(30 + family);
    await whileNarrow(cluster.front, () => everyServerPasses(client, family));
    expect(await way(client, cluster.layout.clusterAddress(family))).toContain(`mtu ${NARROW_BYTES}`);
  });

  test.each(FAMILIES)('IPv%s: datagrams of 8 KB travel in fragments, and come back whole', async (family) => {
    const outcome = await transfer(cluster.client, family, 'udp', { datagram: 8000 }).outcome();
    expect(outcome).toMatchObject({ intact: true });
  });

  test.each(FAMILIES)('IPv%s: the cluster address answers pings, small ones and large', async (family) => {
    const target = cluster.layout.clusterAddress(family);
    for (const sizeBytes of [0, 56, 1400]) {
      const outcome = await icmp.call('ping', addressOf(cluster.client, family), target, { sizeBytes });
      expect(outcome).toMatchObject({ kind: 'reply', bytes: sizeBytes });
    }
  });

  test.each(FAMILIES)('IPv%s: packets that die on their way do no harm', async (family) => {
    const { client, layout } = cluster;
    const [from, target] = [addressOf(client, family), layout.clusterAddress(family)];
    const under = transfer(client, family, 'tcp', { rate: 3_000_000 });
    await under.reached(BYTES / 4);
    expect(await icmp.call('ping', from, target, { ttl: 1 })).toMatchObject({ kind: 'expired' });
    for (const [protocol, port] of TRACED) await icmp.call('trace', from, target, protocol, port, 5, 100);
    expect(await under.outcome()).toMatchObject({ intact: true });
    await everyServerPasses(client, family);
    expect((await cluster.whole()).role).toBe('dispatcher');
  });
});

const SIDES = MODES.flatMap((mode) => {
  const sides = mode === 'l4/2' ? (['inner'] as const) : (['inner', 'outer'] as const);
  return sides.map((side) => [mode, side] as const);
});

describe.each(SIDES)('%s, two cards, and the %s side is narrow', (mode, side) => {
  beforeAll(async () => {
    cluster = await Cluster.build({ mode, families: FAMILIES, nics: 2, nodes: NODES, bulk: true });
    await narrowNodes(side);
    await Promise.all(cluster.hosts.map((host) => host.start()));
    await cluster.whole();
  });
  afterAll(() => cluster?.close());

  test.each(FAMILIES)('IPv%s: TCP passes whole', async (family) => {
    const { client, layout } = cluster;
    await everyServerPasses(client, family);
    // In L4/3 servers tell the client of their narrow side when it connects. In L4/2 they know nothing of it, since they
    // answer by the other one: the dispatcher has to tell.
    const told = await way(client, layout.clusterAddress(family));
    expect(told.includes(`mtu ${NARROW_BYTES}`)).toBe(mode === 'l4/2' || side === 'outer');
  });
});
