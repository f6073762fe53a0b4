import type { StatusDocument } from '@ringmaster/node';
import { burst, Cluster, ringmaster, type ClusterHost } from '@ringmaster/lab';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostState, rules } from './hostState.js';

/** Rows S1, S6 and N3 of the mission: identical nodes serve one address behind a router. */

let cluster: Cluster;
let untouched: Record<string, string>[];

const evenly = (served: Readonly<Record<string, number>>, names: readonly string[], total: number) => {
  expect(Object.keys(served).sort()).toEqual([...names].sort());
  for (const count of Object.values(served)) {
    expect(Math.abs(count - total / names.length)).toBeLessThanOrEqual((0.1 * total) / names.length);
  }
};

beforeAll(async () => {
  cluster = await Cluster.build();
  untouched = await Promise.all(cluster.hosts.map(({ host }) => hostState(host)));
  await Promise.all(cluster.hosts.map((host) => host.start()));
  await cluster.whole();
});

afterAll(() => cluster.close());

test('1,000 requests are spread within 10 % of even, the dispatcher serves its share, and the client is seen', async () => {
  const { servers, clients, failed } = await burst(cluster.client, cluster.target, { count: 1000 });
  expect(failed).toBe(0);
  evenly(servers, ['n1', 'n2', 'n3', 'n4'], 1000);
  expect(clients).toEqual([cluster.client.address]);
});

test('there is no packet rule and no IP forwarding on any node', async () => {
  for (const { host } of cluster.hosts) {
    expect(await rules(host)).toBe('');
    expect((await host.exec('cat', ['/proc/sys/net/ipv4/ip_forward'])).stdout.trim()).toBe('0');
  }
});

test('large bodies pass whole in both directions', async () => {
  const size = 20 * 1024 * 1024;
  const script = `
    const { createHash } = require('node:crypto');
    const body = Buffer.alloc(${size}, 'ringmaster ');
    const sum = (data) => createHash('sha256').update(data).digest('hex');
    (async () => {
      const up = await fetch('http://${cluster.target}/digest', { method: 'POST', body });
      console.log((await up.text()).trim() === sum(body));
      const down = await fetch('http://${cluster.target}/bytes/${size}');
      console.log(Buffer.from(await down.arrayBuffer()).length);
    })();`;
  const { stdout, stderr } = await cluster.client.exec(process.execPath, ['-e', script]);
  expect(stderr).toBe('');
  expect(stdout).toBe(`true\n${size}\n`);
});

describe('status', () => {
  const statusOf = async ({ host, node }: ClusterHost) => {
    const { code, stdout, stderr } = await ringmaster(host, 'status', '--json', '--config', node.configFile);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return JSON.parse(stdout) as StatusDocument;
  };

  test('every node tells the same ring: all members in order, with ids, MACs, and one dispatcher, the smallest', async () => {
    const statuses = await Promise.all(cluster.hosts.map(statusOf));
    const [first] = statuses;
    expect(first.role).toBe('dispatcher');
    expect(statuses.slice(1).map(({ role }) => role)).toEqual(['server', 'server', 'server']);
    for (const [index, { address, id, ring }] of statuses.entries()) {
      expect(address).toBe(cluster.hosts[index].address);
      expect(ring.dispatcher).toBe(first.address);
      expect(ring.createdAt).toBe(first.ring.createdAt);
      const members = ring.members.map((member) => ({ ...member }));
      expect(members.map((member) => member.address)).toEqual(cluster.hosts.map((host) => host.address));
      expect(members.map(({ mac }) => mac)).toEqual(cluster.hosts.map(({ host }) => host.mac));
      expect(members.every(({ active }) => active)).toBe(true);
      expect(new Set(members.map((member) => member.id)).size).toBe(4);
      expect(members[index].id).toBe(id);
    }
  });

  test('the dispatcher counts connections and frames, and has nothing to rebuild', async () => {
    const { connections, counters, rebuild } = await statusOf(cluster.hosts[0]);
    const { total, halfOpen, established, closing } = connections;
    expect(total).toBe(halfOpen + established + closing);
    expect(counters.forwarded).toBeGreaterThan(1000);
    expect(rebuild.state).not.toBe('running');
  });

  test('people get tables: members and connections', async () => {
    const { host, node } = cluster.hosts[0];
    const members = await ringmaster(host, 'members', '--config', node.configFile);
    for (const { address } of cluster.hosts) expect(members.stdout).toContain(address);
    await burst(cluster.client, cluster.target, { count: 4 });
    const connections = await ringmaster(host, 'connections', '--config', node.configFile);
    expect(connections.stdout).toContain(cluster.client.address);
  });
});

test('nodes that leave on SIGTERM exit with 0, leave nothing behind, and no request is lost by the leaving', async () => {
  await cluster.hosts[2].kill(); // what a crash leaves behind is put right by the next run
  await cluster.hosts[2].start();
  await cluster.whole();
  const leaving = [...cluster.hosts].reverse();
  for (const [index, { node }] of leaving.entries()) {
    expect(await node.stop()).toEqual({ code: 0, signal: null });
    if (index === leaving.length - 1) break;
    await cluster.whole();
    const { failed } = await burst(cluster.client, cluster.target, { count: 50 });
    expect(failed).toBe(0);
  }
  await Promise.all(cluster.hosts.map(({ host }) => host.kill())); // the services
  expect(await Promise.all(cluster.hosts.map(({ host }) => hostState(host)))).toEqual(untouched);
});
