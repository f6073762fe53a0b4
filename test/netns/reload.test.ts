import {
  controlRequest,
  formatKeyFile,
  generateKey,
  type ControlResult,
  type ReloadDocument,
} from '@ringmaster/node';
import {
  burst,
  Cluster,
  HeldConnections,
  nowMs,
  RequestStream,
  ringmaster,
  startHttpService,
  type ClusterHost,
} from '@ringmaster/lab';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { hostState } from './hostState.js';

/** Issue "operating it": a configuration is changed while the node runs, and no client notices. */

const CONNECTIONS = 200;

let cluster: Cluster;
afterEach(() => cluster.close());

const reload = ({ node }: ClusterHost, body: object = {}): Promise<ControlResult<ReloadDocument>> =>
  controlRequest<ReloadDocument>(node.controlSocket, '/reload', body);

async function outcomeOf(host: ClusterHost): Promise<string> {
  const answer = await reload(host);
  return answer.ok ? answer.value.outcome : answer.problem.message;
}

interface WrittenCluster {
  readonly address: string;
  readonly ports: readonly object[];
}

/** The clusters of a node's configuration, its first one with other ports. */
function clustersOf(
  { config }: ClusterHost,
  change: (ports: readonly object[]) => object[],
): WrittenCluster[] {
  const [first, ...rest] = config['clusters'] as WrittenCluster[];
  return [{ ...first, ports: change(first.ports) }, ...rest];
}

/** Held connections that are alive and have never come to harm. */
const unharmed = async (held: HeldConnections): Promise<number> => {
  const { servers } = await held.state();
  const alive = Object.values(servers).reduce((sum, server) => sum + server.alive, 0);
  return alive - held.harms.length;
};

const failures = async (stream: RequestStream): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 300));
  return stream.requests.filter(({ server }) => server === undefined).length;
};

describe('a thousand reloads under load', () => {
  const SCHEDULERS = ['round-robin', 'least-connections', 'maglev', 'load-aware', 'two-random-choices'];
  const health = { tcp: '127.0.0.1:80', intervalMs: 1000, timeoutMs: 500 };

  /** What the file says at a turn: something else at each. */
  function settingsAt(turn: number, host: ClusterHost): Record<string, unknown> {
    const more = Array.from({ length: turn % 7 }, (_, i) => ({
      port: 9000 + i + (turn % 3),
      protocol: 'udp',
    }));
    const clusters = clustersOf(host, (ports) => [
      ...ports.map((port) => ({
        ...port,
        scheduler: SCHEDULERS[turn % SCHEDULERS.length],
        ...(turn % 2 === 0 && { affinity: { prefix4: 32, timeoutMs: 5000 } }),
        ...(turn % 4 === 1 && { health }),
      })),
      ...more,
    ]);
    // Now and then a cluster comes, and goes again; before it comes the LAN is asked whose its address is.
    const added = { address: `10.0.0.${120 + (turn % 40)}`, ports: [{ port: 80 }] };
    return {
      clusters: turn % 100 < 3 ? [...clusters, added] : clusters,
      weight: 1 + (turn % 3),
      slowStartMs: (turn % 5) * 100,
      ring: {
        ...(host.config['ring'] as object),
        holdDownMs: 1000 + (turn % 10),
        minimumMembers: 1 + (turn % 3),
      },
    };
  }

  test('no request fails, no connection is lost, and nothing is left on the hosts', async () => {
    cluster = await Cluster.build({ nodes: 3, ring: { communicationTimeoutMs: 1000 } });
    await Promise.all(cluster.hosts.map((host) => host.startService()));
    const before = await Promise.all(cluster.hosts.map(({ host }) => hostState(host)));
    await Promise.all(cluster.hosts.map((host) => host.startNode()));
    await cluster.whole();
    const { client, target } = cluster;
    const held = await HeldConnections.open(client, target, { connections: CONNECTIONS, stalled: 5000 });
    const stream = new RequestStream(client, target, { interval: 10, timeout: 5000 });
    await stream.firstServed(0, 10_000);

    const outcomes = new Map<string, number>();
    for (let turn = 1; turn <= 1000; turn++) {
      const host = cluster.hosts[turn % 3];
      await host.configure(settingsAt(turn, host));
      const outcome = await outcomeOf(host);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect(Object.fromEntries(outcomes)).toEqual({ applied: 1000 });
    expect(await failures(stream)).toBe(0);
    expect(stream.requests.length).toBeGreaterThan(200);
    expect(await unharmed(held)).toBe(CONNECTIONS);
    await stream.close();
    await held.close();
    // As at the beginning, and everybody agrees.
    for (const host of cluster.hosts) await host.configure({});
    expect(await Promise.all(cluster.hosts.map(outcomeOf))).toEqual(['applied', 'applied', 'applied']);
    await cluster.whole();
    expect((await burst(client, target, { count: 200 })).failed).toBe(0);
    await Promise.all(cluster.hosts.map(({ node }) => node.stop()));
    expect(await Promise.all(cluster.hosts.map(({ host }) => hostState(host)))).toEqual(before);
  });
});

describe.each(['l4/2', 'l4/3'] as const)('in %s', (mode) => {
  const NEW_ADDRESS = '10.0.0.150';
  const targetOf = (port: number): object => (mode === 'l4/3' ? { targetPort: port } : {});

  test('a port and a cluster address come into service one node after the other, and go again', async () => {
    cluster = await Cluster.raise({ mode, nodes: 3, ring: { communicationTimeoutMs: 1000 } });
    const { client, target, hosts } = cluster;
    const { hostname } = new URL(`http://${target}`);
    for (const { host } of hosts) {
      await startHttpService(host, 8100);
      await startHttpService(host, 8200);
    }
    const reached = async (called: string) => {
      const { failed, servers } = await burst(client, called, { count: 90 });
      return { failed, servers: Object.keys(servers).sort() };
    };
    const held = await HeldConnections.open(client, target, { connections: CONNECTIONS, stalled: 5000 });
    const stream = new RequestStream(client, target, { timeout: 5000 });
    await stream.firstServed(0, 10_000);

    for (const host of hosts) {
      const [first, ...rest] = clustersOf(host, (ports) => [...ports, { port: 8100, ...targetOf(8100) }]);
      const gateway = mode === 'l4/3' ? { gateway: '10.0.0.251' } : {};
      const added = { address: NEW_ADDRESS, mode, ...gateway, ports: [{ port: 8200, ...targetOf(8200) }] };
      await host.configure({ clusters: [first, ...rest, added] });
      const checked = await reload(host, { dryRun: true });
      expect(checked.ok && checked.value).toMatchObject({
        outcome: 'checked',
        changes: [{ path: `clusters[${hostname}].ports[8100/tcp]` }, { path: `clusters[${NEW_ADDRESS}]` }],
      });
      expect(await outcomeOf(host)).toBe('applied');
      expect(await outcomeOf(host)).toBe('unchanged');
      // Those that lack the new services yet go on with the others.
      if (host === hosts[0]) {
        expect(await reached(target)).toEqual({ failed: 0, servers: ['n1', 'n2', 'n3'] });
        expect(await reached(`${hostname}:8100`)).toEqual({ failed: 0, servers: ['n1'] });
      }
    }
    await cluster.whole();
    for (const added of [`${hostname}:8100`, `${NEW_ADDRESS}:8200`]) {
      expect(await reached(added)).toEqual({ failed: 0, servers: ['n1', 'n2', 'n3'] });
    }
    const heldThere = await HeldConnections.open(client, `${hostname}:8100`, {
      connections: 60,
      stalled: 5000,
    });

    for (const host of hosts) {
      await host.configure({});
      expect(await outcomeOf(host)).toBe('applied');
    }
    await cluster.whole();
    expect((await burst(client, `${NEW_ADDRESS}:8200`, { count: 5, timeout: 500 })).failed).toBe(5);
    expect((await burst(client, `${hostname}:8100`, { count: 5, timeout: 500 })).failed).toBe(5);
    expect(await failures(stream)).toBe(0);
    expect(await unharmed(held)).toBe(CONNECTIONS);
    // Those of a port that is gone go on in direct return; the other way their way back is taken away.
    if (mode === 'l4/2') expect(await unharmed(heldThere)).toBe(60);
    await stream.close();
  });
});

test('what cannot be changed while a node runs is refused whole, and so is a file that is wrong', async () => {
  cluster = await Cluster.raise({ nodes: 2 });
  const [n1] = cluster.hosts;
  const command = (...args: string[]) =>
    ringmaster(n1.host, 'reload', ...args, '--socket', n1.node.controlSocket);
  const taken = cluster.hosts[1].address;
  for (const [change, code, message] of [
    [{ weight: 9, maxConnections: 4096 }, 1, 'maxConnections: cannot be changed while the node runs'],
    [{ weight: 9, wieght: 2 }, 2, 'wieght'],
    [
      { weight: 9, clusters: [{ address: taken, ports: [{ port: 80 }] }] },
      1,
      `${taken} belongs to another host`,
    ],
  ] as const) {
    await n1.configure(change);
    const { code: exitCode, stdout, stderr } = await command();
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: code,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
    const { members } = (await n1.node.status()).ring;
    expect(members.find(({ address }) => address === n1.address)?.weight?.configured).toBe(1);
  }
  await n1.configure({ weight: 9 });
  const { code, stdout } = await command();
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/weight +1 +9/) });
  const weightAtOther = async () =>
    (await cluster.hosts[1].node.status()).ring.members.find(({ address }) => address === n1.address)?.weight;
  await expect.poll(weightAtOther).toMatchObject({ configured: 9 });
});

test('SIGHUP reloads, and tells in the events what has become of it', async () => {
  cluster = await Cluster.raise({ nodes: 2 });
  const [n1] = cluster.hosts;
  const news = async (): Promise<string> =>
    (await ringmaster(n1.host, 'events', '--no-follow', '--socket', n1.node.controlSocket)).stdout;
  await n1.configure({ weight: 4 });
  n1.node.kill('SIGHUP');
  await expect.poll(news).toContain('the configuration was reloaded: weight');
  await n1.configure({ weight: 4, workers: 2 });
  n1.node.kill('SIGHUP');
  await expect.poll(news).toContain('the configuration was not reloaded: workers: cannot be changed');
  expect(n1.up).toBe(true);
});

test('keys rotate by reloads, and nobody is locked out', async () => {
  const keys = await mkdtemp(join(tmpdir(), 'ringmaster-keys-'));
  const use = async (sealing: Uint8Array, opening: Uint8Array): Promise<void> => {
    await writeFile(join(keys, 'sealing.key'), formatKeyFile(sealing), { mode: 0o600 });
    await writeFile(join(keys, 'opening.key'), formatKeyFile(opening), { mode: 0o600 });
  };
  try {
    const [old, fresh] = [generateKey(), generateKey()];
    await use(old, old);
    const keyFile = [join(keys, 'sealing.key'), join(keys, 'opening.key')];
    cluster = await Cluster.raise({ nodes: 3, key: null, ring: { keyFile } });
    const { client, target, hosts } = cluster;
    const stream = new RequestStream(client, target, { timeout: 5000 });
    await stream.firstServed(0, 10_000);
    const since = nowMs();
    const { createdAt } = (await hosts[0].node.status()).ring;
    for (const [sealing, opening] of [
      [old, fresh],
      [fresh, old],
      [fresh, fresh],
    ] as const) {
      await use(sealing, opening);
      for (const host of hosts) expect(await outcomeOf(host)).toBe('applied');
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    // The old key opens nothing any more, and the ring is the one that it was.
    const { ring, counters } = await cluster.whole();
    expect(ring.createdAt).toBe(createdAt);
    expect((counters['ringRefused'] as Record<string, number>)['notAuthentic'] ?? 0).toBe(0);
    // What the next dispatcher asks the others is sealed with the new one, too.
    await hosts[0].kill();
    await cluster.whole();
    expect(
      stream.since(since).filter(({ server, end }) => server === undefined && end < nowMs() - 5000),
    ).toEqual([]);
    expect((await burst(client, target, { count: 100 })).failed).toBe(0);
  } finally {
    await rm(keys, { recursive: true, force: true });
  }
});
