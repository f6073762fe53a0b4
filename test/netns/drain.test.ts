import type { MemberStatus, OrderDocument } from '@ringmaster/node';
import {
  burst,
  Cluster,
  HeldConnections,
  nowMs,
  RequestStream,
  ringmaster,
  type ClusterHost,
  type ClusterOptions,
} from '@ringmaster/lab';
import { afterEach, expect, test } from 'vitest';

/** Row U3: drain and undrain under load, by the command as users run it, asked of a node that is not concerned. */

const CONNECTIONS = 200;
const PATIENCE_MS = 15_000;

let cluster: Cluster;
afterEach(() => cluster.close());

/** A busy machine may keep a node from being heard for a while: that is not what is tested here. */
const raise = (settings: ClusterOptions = {}): Promise<Cluster> =>
  Cluster.raise({ ring: { communicationTimeoutMs: 1000 }, ...settings });

async function command(host: ClusterHost, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await ringmaster(host.host, ...args, '--config', host.node.configFile);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const addresses = (...hosts: ClusterHost[]): string[] => hosts.map(({ address }) => address);

/** Waits until all nodes say the same of the drains, in words like `.12 draining 50`. */
async function agreed(expected: (drains: string[]) => boolean): Promise<string[]> {
  const deadline = nowMs() + PATIENCE_MS;
  for (;;) {
    const said = await Promise.all(
      cluster.living.map(async ({ node }) => drainsOf((await node.status()).ring.members)),
    );
    if (said.every((drains) => expected(drains))) return said[0];
    if (nowMs() > deadline) throw new Error(`the nodes say ${JSON.stringify(said)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function drainsOf(members: readonly MemberStatus[]): string[] {
  return members.flatMap(({ address, drain }) =>
    drain === undefined ? [] : [`${address} ${drain.state} ${drain.connections}`],
  );
}

const who = async (count = 200) => burst(cluster.client, cluster.target, { count });

test('two of four, the dispatcher among them: nothing new for them, no request fails, no connection ends; and back', async () => {
  cluster = await raise();
  const [n1, n2, n3] = cluster.hosts;
  const { client, target } = cluster;
  const held = await HeldConnections.open(client, target, { connections: CONNECTIONS, stalled: 5000 });
  const stream = new RequestStream(client, target, { timeout: 5000 });
  await stream.firstServed(0, 10_000);

  const said = await command(n3, 'drain', '--json', ...addresses(n1, n2));
  const servers = addresses(n1, n2).map((address) => ({ address, outcome: 'done' }));
  expect(JSON.parse(said) as OrderDocument).toEqual({ servers });
  await agreed((drains) => drains.length === 2);
  const { servers: reached, failed } = await who();
  expect(failed).toBe(0);
  expect(Object.keys(reached).sort()).toEqual(['n3', 'n4']);
  expect((await cluster.whole()).address).toBe(n1.address);
  // Each tells how many connections it has left: those that are held, when the requests' are gone.
  await agreed((drains) =>
    [n1, n2].every(({ address, name }, i) => drains[i] === `${address} draining ${held.placed[name]}`),
  );
  expect(await command(n3, 'members')).toContain(`draining, ${held.placed['n1']} connections left`);

  expect(await command(n3, 'undrain', ...addresses(n1, n2))).toBe(
    `${n1.address} takes new connections again\n${n2.address} takes new connections again\n`,
  );
  await agreed((drains) => drains.length === 0);
  expect(Object.keys((await who()).servers).sort()).toEqual(['n1', 'n2', 'n3', 'n4']);

  const state = await held.state();
  const alive = Object.values(state.servers).reduce((sum, server) => sum + server.alive, 0);
  expect({ alive, harms: held.harms }).toEqual({ alive: CONNECTIONS, harms: [] });
  expect(stream.requests.filter(({ server }) => server === undefined)).toEqual([]);
  expect(stream.requests.length).toBeGreaterThan(100);
});

test('at the deadline what is left is reset, and nobody else is touched', async () => {
  cluster = await raise();
  const [, n2, n3] = cluster.hosts;
  const held = await HeldConnections.open(cluster.client, cluster.target, {
    connections: CONNECTIONS,
    stalled: 5000,
  });
  const left = held.placed['n2'] ?? 0;
  expect(left).toBeGreaterThan(0);
  expect(await command(n3, 'drain', n2.address, '--deadline', '2s')).toContain(
    'what is left after 2 s is reset',
  );
  await agreed((drains) => drains[0]?.startsWith(`${n2.address} draining`) ?? false);
  await agreed((drains) => drains[0] === `${n2.address} drained 0`);
  const { servers } = await held.state();
  expect(servers['n2']).toMatchObject({ broken: left, alive: 0 });
  for (const name of ['n1', 'n3', 'n4']) expect(servers[name]).toMatchObject({ alive: held.placed[name] });
  // Where a last answer and the reset come together, libuv tells the client of an end instead: both are at once.
  const told = held.harms.map(({ server, harm }) => `${server} ${harm.replace('closed', 'reset')}`);
  expect(told).toEqual(new Array(left).fill('n2 reset'));
  expect((await n2.node.status()).counters['drain']).toEqual({ ended: left });
  expect((await who()).failed).toBe(0);

  await command(n2, 'undrain', n2.address);
  await agreed((drains) => drains.length === 0);
  expect((await who()).servers).toHaveProperty('n2');
  // What it has now are requests that end by themselves.
  await command(n3, 'drain', n2.address, '--wait');
  await agreed((drains) => drains[0] === `${n2.address} draining 0`);
});

test('when everybody is drained, new connections are dropped with the reason noServer, and the others go on', async () => {
  cluster = await raise({ nodes: 2 });
  const [n1, n2] = cluster.hosts;
  const held = await HeldConnections.open(cluster.client, cluster.target, { connections: 20, stalled: 5000 });
  await command(n2, 'drain', ...addresses(n1, n2));
  await agreed((drains) => drains.length === 2);
  const { failed } = await burst(cluster.client, cluster.target, { count: 3, timeout: 1500 });
  expect(failed).toBe(3);
  expect((await n1.node.status()).counters.dropped['noServer']).toBeGreaterThanOrEqual(3);
  expect(held.harms).toEqual([]);
  expect((await held.state()).servers).toMatchObject({
    n1: { alive: held.placed['n1'] },
    n2: { alive: held.placed['n2'] },
  });
});

test('a drain outlives the crash of its node, and ends when the node is stopped', async () => {
  cluster = await raise({ nodes: 3 });
  const [n1, , n3] = cluster.hosts;
  await command(n1, 'drain', n3.address);
  await agreed((drains) => drains.length === 1);
  n3.node.kill('SIGKILL');
  await n3.node.process.exited;
  await n3.startNode();
  await cluster.whole();
  await agreed((drains) => drains.length === 1 && drains[0].startsWith(`${n3.address} draining`));
  expect(Object.keys((await who()).servers).sort()).toEqual(['n1', 'n2']);
  await n3.node.stop();
  await n3.startNode();
  await cluster.whole();
  await agreed((drains) => drains.length === 0);
  expect(Object.keys((await who()).servers).sort()).toEqual(['n1', 'n2', 'n3']);
});

test('abdicate: the next in line takes over, no request fails and no connection ends', async () => {
  cluster = await raise({ nodes: 3 });
  const [n1, n2, n3] = cluster.hosts;
  const { client, target } = cluster;
  const held = await HeldConnections.open(client, target, { connections: CONNECTIONS, stalled: 5000 });
  const stream = new RequestStream(client, target, { timeout: 5000 });
  await stream.firstServed(0, 10_000);
  expect(await command(n3, 'abdicate')).toBe(
    `${n1.address} hands the dispatching over to the next in line\n`,
  );
  const dispatched = async (by: ClusterHost): Promise<void> => {
    const deadline = nowMs() + PATIENCE_MS;
    for (;;) {
      const all = await Promise.all(cluster.living.map(({ node }) => node.status()));
      if (all.every(({ ring }) => ring.dispatcher === by.address)) return;
      if (nowMs() > deadline)
        throw new Error(`dispatched by ${all.map(({ ring }) => ring.dispatcher).join()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await dispatched(n2);
  expect(Object.keys((await who()).servers).sort()).toEqual(['n1', 'n2', 'n3']);
  const { servers } = await held.state();
  for (const { name } of cluster.hosts) expect(servers[name]).toMatchObject({ alive: held.placed[name] });
  expect(held.harms).toEqual([]);
  expect(stream.requests.filter(({ server }) => server === undefined)).toEqual([]);

  const refused = await ringmaster(n3.host, 'abdicate', n3.address, '--config', n3.node.configFile);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('does not dispatch') });
  // With nobody else left it dispatches all the same.
  await n2.kill();
  await n3.kill();
  await dispatched(n1);
});
