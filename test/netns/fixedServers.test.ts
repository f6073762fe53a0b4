import { burst, Cluster, startHttpService, type Host, type LabProcess } from '@ringmaster/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostState } from './hostState.js';

/** L4/3 with hosts that know nothing of Ringmaster as servers, and what L4/3 leaves behind on hosts that do. */

const SERVERS = { s1: '10.0.0.21', s2: '10.0.0.22' } as const;
const GATEWAY = '10.0.0.254';

const settings = (families: readonly (4 | 6)[]) => ({
  clusters: families.map((family) => ({
    address: family === 4 ? '10.0.0.100' : 'fd00:a::100',
    mode: 'l4/3',
    gateway: family === 4 ? GATEWAY : 'fd00:a::254',
    ports: [
      {
        port: 80,
        targetPort: 8080,
        servers: Object.values(SERVERS).map((address) =>
          family === 4 ? address : address.replace('10.0.0.', 'fd00:a::'),
        ),
        health: { tcp: '127.0.0.1:80', intervalMs: 200, timeoutMs: 2000, rise: 1, fall: 2 },
      },
    ],
  })),
});

describe('servers outside the ring', () => {
  let cluster: Cluster;
  const hosts = new Map<string, Host>();
  const services = new Map<string, LabProcess>();

  const serve = async (name: string): Promise<void> =>
    void services.set(name, await startHttpService(hosts.get(name)!, 8080, '::'));
  const statusOf = async (index: number) => (await cluster.hosts[index].node.status()).fixedServers ?? [];
  const activeOf = async (index: number): Promise<string[]> =>
    (await statusOf(index)).filter(({ active }) => active).map(({ address }) => address);

  beforeAll(async () => {
    cluster = await Cluster.build({ mode: 'l4/3', families: [4, 6], nodes: 2, settings: settings([4, 6]) });
    for (const [name, address] of Object.entries(SERVERS)) {
      const host = await cluster.lab.host(name, {
        lan: cluster.lan,
        address: `${address}/24`,
        gateway: GATEWAY,
      });
      hosts.set(name, host);
      await serve(name);
    }
    await Promise.all(cluster.hosts.map((host) => host.startNode()));
    await cluster.whole();
  });
  afterAll(() => cluster.close());

  const requests = (family: 4 | 6, count = 20) =>
    burst(cluster.client, cluster.targetOf(family, 'http'), { count });

  it.each([4, 6] as const)('serve clients over IPv%i, whom they see, and no member does', async (family) => {
    const { servers, clients, failed } = await requests(family);
    expect(failed).toBe(0);
    expect(servers).toEqual({ s1: 10, s2: 10 });
    const client = family === 4 ? cluster.client.address : cluster.client.address6;
    expect(clients.map((seen) => seen.replace('::ffff:', ''))).toEqual([client]);
  });

  it('are known by their MACs on every node, those that do not dispatch too', async () => {
    const macsOf = async (index: number) =>
      Object.fromEntries((await statusOf(index)).map(({ address, mac }) => [address, mac]));
    const { s1, s2 } = Object.fromEntries([...hosts].map(([name, { mac }]) => [name, mac]));
    const all = { '10.0.0.21': s1, '10.0.0.22': s2, 'fd00:a::21': s1, 'fd00:a::22': s2 };
    for (const index of [0, 1]) await expect.poll(() => macsOf(index), { timeout: 20_000 }).toEqual(all);
  });

  it('are left out while they fail their check, and taken in again', async () => {
    services.get('s1')!.kill('SIGKILL');
    await expect.poll(() => activeOf(0), { timeout: 20_000 }).toEqual(['10.0.0.22', 'fd00:a::22']);
    const [ill] = await statusOf(0);
    expect(ill).toMatchObject({
      address: '10.0.0.21',
      why: expect.stringContaining('10.0.0.21:8080') as string,
    });
    expect(await requests(4)).toMatchObject({ servers: { s2: 20 }, failed: 0 });
    await serve('s1');
    await expect.poll(async () => (await activeOf(0)).length, { timeout: 20_000 }).toBe(4);
    expect(await requests(4)).toMatchObject({ servers: { s1: 10, s2: 10 }, failed: 0 });
  });

  it('serve on when another node dispatches', async () => {
    await cluster.hosts[0].node.process.stop('SIGKILL', 5000);
    await cluster.whole();
    for (const family of [4, 6] as const) {
      expect(await requests(family)).toMatchObject({ servers: { s1: 10, s2: 10 }, failed: 0 });
    }
  });
});

describe('a node of an L4/3 cluster', () => {
  let cluster: Cluster;
  afterAll(() => cluster.close());

  it('that is killed and started again leaves its host as it was in the end', async () => {
    cluster = await Cluster.build({ mode: 'l4/3', families: [4, 6], nodes: 1 });
    const [node] = cluster.hosts;
    const untouched = await hostState(node.host);
    await node.start();
    const running = await hostState(node.host);
    expect(running.routingRules).toContain('ipproto tcp sport 8080 lookup 7400');
    expect(running.neighbours).toContain('02:52:4d:00:00:fe');
    await node.node.process.stop('SIGKILL', 5000);
    expect((await hostState(node.host)).routingRules).toBe(running.routingRules);
    await node.startNode();
    await cluster.whole();
    expect((await hostState(node.host)).routingRules).toBe(running.routingRules);
    expect(await burst(cluster.client, cluster.target, { count: 5 })).toMatchObject({ failed: 0 });
    expect(await node.node.stop()).toEqual({ code: 0, signal: null });
    await node.host.kill();
    expect(await hostState(node.host)).toEqual(untouched);
  });

  it('serves clients to whom its host has no route, with a strict reverse path filter', async () => {
    await cluster.close();
    cluster = await Cluster.build({ mode: 'l4/3', families: [4], nodes: 3 });
    for (const { host } of cluster.hosts) {
      await host.exec('ip', ['route', 'del', 'default']);
      await host.exec('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter']);
    }
    await Promise.all(cluster.hosts.map((host) => host.start()));
    await cluster.whole();
    expect(await burst(cluster.client, cluster.target, { count: 30 })).toMatchObject({
      servers: { n1: 10, n2: 10, n3: 10 },
      clients: [cluster.client.address],
      failed: 0,
    });
  });
});
