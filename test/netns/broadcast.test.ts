import { burst, Cluster, ringmaster, type ClusterHost, type LabProcess } from '@ringmaster/lab';
import { isIPv6 } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { openChannel } from './channel.js';

/** Issue "the other seed systems", O3: no dispatcher; every node takes its share of the clients. */

const PROGRAM = fileURLToPath(new URL('programs/manyClients.mjs', import.meta.url));
const PATIENCE_MS = 120_000;
const ADDRESSES = ['10.0.0.100', 'fd00:a::100'];

const ECHO = fileURLToPath(new URL('programs/echo.mjs', import.meta.url));
const formatTarget = (address: string): string => (isIPv6(address) ? `[${address}]:80` : `${address}:80`);

let cluster: Cluster;
afterEach(() => cluster.close());

async function raise(nodes: number, options: { started?: number } = {}): Promise<void> {
  const ports = [{ port: 80 }, { port: 53, protocol: 'udp' }];
  const clusters = ADDRESSES.map((address) => ({ address, dispatch: 'broadcast', ports }));
  cluster = await Cluster.build({
    nodes,
    families: [4, 6],
    settings: { clusters },
    ring: { communicationTimeoutMs: 500 },
  });
  await cluster.client.exec('ip', ['route', 'add', 'local', '10.64.0.0/16', 'dev', 'lo']);
  await cluster.router.exec('ip', ['route', 'add', '10.64.0.0/16', 'via', '10.9.0.2']);
  const started = cluster.hosts.slice(0, options.started ?? nodes);
  await Promise.all(started.map((host) => host.startService()));
  await Promise.all(started.map((host) => host.startNode()));
  await cluster.whole();
  await settled(started.length);
}

/** Waits until the living nodes share all clients: what each tells of its part makes a whole. */
async function settled(count: number): Promise<void> {
  const shares = async (): Promise<string> => {
    const parts = await Promise.all(cluster.living.map(shareOf));
    const whole = parts.reduce((total, share) => total + share, 0);
    return `${parts.filter((share) => share > 0).length} nodes ${whole.toFixed(0)} %`;
  };
  await expect.poll(shares, { timeout: 20_000 }).toBe(`${count} nodes 100 %`);
}

async function shareOf({ node }: ClusterHost): Promise<number> {
  return (await node.status()).sharePercent ?? 0;
}

interface Served {
  readonly servers: Record<string, number>;
  readonly failed: number;
}

const clients = (mode: 'requests' | 'hold', first: number, count: number): LabProcess =>
  cluster.client.spawn(process.execPath, [PROGRAM, mode, '10.0.0.100:80', String(first), String(count)]);

/** One request each from so many clients. */
async function requests(first: number, count: number): Promise<Served> {
  const line = await clients('requests', first, count).waitForLine(
    (text) => text.startsWith('{'),
    PATIENCE_MS,
  );
  return JSON.parse(line) as Served;
}

interface Held {
  readonly alive: Record<string, number>;
  readonly lost: number;
  readonly late: number;
  readonly moved: number;
}

async function hold(first: number, count: number): Promise<LabProcess> {
  const holder = clients('hold', first, count);
  await holder.waitForLine((line) => line === 'open', PATIENCE_MS);
  return holder;
}

function stateOf(holder: LabProcess): Promise<Held> {
  return new Promise((resolve) => {
    const stop = holder.onLine((line) => {
      if (!line.startsWith('{')) return;
      stop();
      resolve(JSON.parse(line) as Held);
    });
    holder.kill('SIGUSR2');
  });
}

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, each) => total + each, 0);

/** Connections that the kernels of the hosts have accepted so far. */
async function accepted(): Promise<number> {
  const counts = await Promise.all(
    cluster.hosts.map(async ({ host }) => {
      const { stdout } = await host.exec('cat', ['/proc/net/snmp']);
      const [names, values] = stdout.split('\n').filter((line) => line.startsWith('Tcp:'));
      return Number(values.split(' ')[names.split(' ').indexOf('PassiveOpens')]);
    }),
  );
  return counts.reduce((total, each) => total + each, 0);
}

describe('broadcast dispatch', () => {
  test('serves every request once, spreads 10,000 clients evenly, and shows JavaScript no other packets', async () => {
    await raise(4);
    // The nodes' own questions are over: their connections count as well.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = await accepted();
    const framesBefore = await Promise.all(
      cluster.hosts.map(async ({ node }) => (await node.status()).counters.frames as number),
    );
    const { servers, failed } = await requests(0, 10_000);
    expect(failed).toBe(0);
    expect(sum(servers)).toBe(10_000);
    expect((await accepted()) - before).toBe(10_000);
    expect(Object.keys(servers).sort()).toEqual(['n1', 'n2', 'n3', 'n4']);
    for (const count of Object.values(servers)) expect(Math.abs(count / 2500 - 1)).toBeLessThan(0.1);
    // Some five packets a request: each node's program has seen those of its own requests, and next to nothing else.
    const frames = await Promise.all(
      cluster.hosts.map(async ({ node, name }, i) => {
        const seen = ((await node.status()).counters.frames as number) - framesBefore[i];
        return { name, perRequest: seen / servers[name] };
      }),
    );
    const [least, most] = [Math.min, Math.max].map((of) => of(...frames.map(({ perRequest }) => perRequest)));
    expect(least).toBeGreaterThan(3);
    expect(most / least).toBeLessThan(1.1);
  });

  test('a node that is killed: only its clients move', async () => {
    await raise(4);
    const holder = await hold(0, 600);
    const before = await stateOf(holder);
    expect(sum(before.alive)).toBe(600);
    await cluster.hosts[1].kill();
    await settled(3);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const after = await stateOf(holder);
    const rest = { ...before.alive };
    delete rest['n2'];
    const living = { ...after.alive };
    delete living['n2'];
    expect(living).toEqual(rest);
    expect(after.moved).toBe(0);
    const { servers, failed } = await requests(0, 600);
    expect(failed).toBe(0);
    for (const [name, count] of Object.entries(rest)) expect(servers[name]).toBeGreaterThanOrEqual(count);
  });

  test('a fifth node comes: no connection is lost, and new ones go to it', async () => {
    await raise(5, { started: 4 });
    const holder = await hold(0, 1000);
    expect(sum((await stateOf(holder)).alive)).toBe(1000);
    await cluster.hosts[4].start();
    await settled(5);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(await stateOf(holder)).toMatchObject({ lost: 0, late: 0, moved: 0 });
    const { servers, failed } = await requests(2000, 1000);
    expect(failed).toBe(0);
    expect(servers['n5']).toBeGreaterThan(100);
    expect(await stateOf(holder)).toMatchObject({ lost: 0, late: 0, moved: 0 });
  });

  test('a drained node takes no new clients, and keeps the connections that it has', async () => {
    await raise(3);
    const holder = await hold(0, 300);
    const [n1] = cluster.hosts;
    expect((await ringmaster(n1.host, 'drain', n1.address, '--socket', n1.node.controlSocket)).code).toBe(0);
    await settled(2);
    const { servers, failed } = await requests(1000, 300);
    expect({ failed, servers: Object.keys(servers).sort() }).toEqual({ failed: 0, servers: ['n2', 'n3'] });
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(await stateOf(holder)).toMatchObject({ lost: 0, late: 0, moved: 0 });
    expect((await ringmaster(n1.host, 'undrain', n1.address, '--socket', n1.node.controlSocket)).code).toBe(
      0,
    );
    await settled(3);
    expect((await requests(2000, 300)).failed).toBe(0);
  });

  test('a node that stood still finds its clients with the others, and disturbs none of them', async () => {
    await raise(3);
    const [, n2] = cluster.hosts;
    const holder = await hold(0, 300);
    const { alive } = await stateOf(holder);
    n2.node.kill('SIGSTOP');
    await expect
      .poll(
        async () => (await cluster.hosts[0].node.status()).ring.members.filter(({ active }) => active).length,
      )
      .toBe(2);
    expect((await requests(1000, 300)).failed).toBe(0);
    n2.node.kill('SIGCONT');
    await settled(3);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    // Its own are served by its kernel all the while, by way of the others.
    expect(await stateOf(holder)).toEqual({ alive, lost: 0, late: 0, moved: 0 });
    expect((await requests(2000, 300)).failed).toBe(0);
  });

  test('datagrams and pings are answered once, over IPv4 and IPv6', async () => {
    await raise(3);
    const { client, hosts } = cluster;
    for (const { host } of hosts) {
      const echo = host.spawn(process.execPath, [ECHO, ...ADDRESSES]);
      await echo.waitForLine((line) => line === 'listening', 10_000);
    }
    const icmp = openChannel(client, 'icmp.mjs');
    for (const address of ADDRESSES) {
      const asked = client.spawn(process.execPath, [ECHO, 'ask', address, '200']);
      const line = await asked.waitForLine((text) => text.startsWith('{'), 20_000);
      expect(JSON.parse(line)).toEqual({ asked: 200, answered: 200, twice: 0 });
      const from = isIPv6(address) ? client.address6! : client.address;
      for (let i = 0; i < 5; i++) expect(await icmp.call('replies', from, address)).toBe(1);
      expect((await burst(client, formatTarget(address), { count: 50 })).failed).toBe(0);
    }
    await icmp.close();
  });
});
