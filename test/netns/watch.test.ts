import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster, CLUSTER_ADDRESS, RequestStream } from '@ringmaster/lab';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queriesOf, type Board } from '../../packages/node/test/metrics/promql.js';

/**
 * The profile `watch` of docker/compose.yaml without containers: a real Prometheus with the configuration and the rules that
 * are shipped asks real nodes, which it finds by a name server, and answers every query of the board for Grafana.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const NAMES = fileURLToPath(new URL('./programs/names.mjs', import.meta.url));
const board = JSON.parse(readFileSync(join(root, 'docker/grafana/ringmaster.json'), 'utf8')) as Board;
const AT = '127.0.0.1:9090';
const PATIENCE_MS = 60_000;

/** On the host that Prometheus runs on. Says nothing while nobody answers. */
const FETCH =
  'fetch(process.argv[1]).then((answer) => answer.text()).then((text) => process.stdout.write(text), () => 0)';

const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

describe.runIf(has('prometheus'))('Prometheus', { timeout: 2 * PATIENCE_MS }, () => {
  let cluster: Cluster;

  beforeAll(async () => {
    const health = { tcp: '127.0.0.1:80', intervalMs: 500 };
    const ports = [{ port: 80, protocol: 'tcp', health }];
    cluster = await Cluster.raise({
      nodes: 3,
      ring: { communicationTimeoutMs: 1000 },
      settings: {
        clusters: [{ address: CLUSTER_ADDRESS, mode: 'l4/2', ports }],
        metrics: { listen: '0.0.0.0:7482' },
      },
    });
    const { client, hosts, target } = cluster;
    const inside = (file: string): string => join(client.directory, file);
    for (const file of ['docker/prometheus.yaml', 'docs/alerts.yaml'])
      copyFileSync(join(root, file), inside(file.replace(/.*\//, '')));
    writeFileSync(inside('resolv.conf'), 'nameserver 127.0.0.1\noptions ndots:0\n');
    const names = client.spawn(process.execPath, [NAMES, 'node', ...hosts.map(({ address }) => address)]);
    await names.waitForLine((line) => line === 'listens', PATIENCE_MS);
    // Every program of a lab's host has mounts of its own.
    const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
    client.spawn('sh', [
      ...[
        '-c',
        script,
        'sh',
        inside('resolv.conf'),
        'prometheus',
        `--config.file=${inside('prometheus.yaml')}`,
      ],
      ...[`--storage.tsdb.path=${inside('data')}`, `--web.listen-address=${AT}`],
    ]);
    const stream = new RequestStream(client, target, { timeout: 5000 });
    await stream.firstServed(0, PATIENCE_MS);
  }, 2 * PATIENCE_MS);
  afterAll(() => cluster?.close());

  async function ask<T>(path: string, fields: Readonly<Record<string, string>> = {}): Promise<T | undefined> {
    const query = new URLSearchParams(fields);
    const { stdout } = await cluster.client.exec(process.execPath, [
      '-e',
      FETCH,
      `http://${AT}/api/v1/${path}?${query}`,
    ]);
    if (stdout === '') return undefined; // it starts
    const { status, data, error } = JSON.parse(stdout) as { status: string; data: T; error?: string };
    expect({ status, error }).toEqual({ status: 'success', error: undefined });
    return data;
  }
  const seriesOf = async (query: string): Promise<readonly Series[]> =>
    (await ask<{ result: Series[] }>('query', { query }))?.result ?? [];

  test('finds every node by the name of the service, and each answers', async () => {
    const answering = async (): Promise<unknown[]> =>
      (await seriesOf('up == 1'))
        .map(({ metric }) => [metric['job'], metric['cluster'], metric['instance']])
        .sort();
    await expect
      .poll(answering, { timeout: PATIENCE_MS })
      .toEqual(cluster.hosts.map(({ address }) => ['ringmaster', 'demo', `${address}:7482`]));
  });

  test('has taken every rule for an alert, and can work it out', async () => {
    type Rules = { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
    const healths = async (): Promise<(string | undefined)[][]> => {
      const rules = ((await ask<Rules>('rules'))?.groups ?? []).flatMap((group) => group.rules);
      return rules
        .filter(({ health }) => health !== 'ok')
        .map((rule) => [rule.name, rule.health, rule.lastError]);
    };
    await expect.poll(healths, { timeout: PATIENCE_MS }).toEqual([]);
    const count = ((await ask<Rules>('rules'))?.groups ?? []).flatMap((group) => group.rules).length;
    expect(count).toBe(readFileSync(join(root, 'docs/alerts.yaml'), 'utf8').match(/- alert:/g)?.length);
  });

  /** What is quiet, or not there, while all is well. */
  const QUIET = [
    'ringmaster_frames_dropped_total',
    'ringmaster_rebuild_running',
    'ringmaster_fixed_server_active',
    'offset',
  ];
  const [quiet, telling] = [true, false].map((wanted) =>
    queriesOf(board)
      .filter(({ query }) => QUIET.some((word) => query.includes(word)) === wanted)
      .map(({ of, query }) => [of, query] as const),
  );

  test.each(telling)('answers what the board asks for: %s: %s', async (_, query) => {
    await expect
      .poll(async () => (await seriesOf(query)).length, { timeout: PATIENCE_MS })
      .toBeGreaterThan(0);
  });

  test.each(quiet)('understands what the board asks for: %s: %s', async (_, query) => {
    expect(await ask('query', { query })).toMatchObject({ resultType: 'vector' });
  });

  test('sees traffic, who dispatches, and that another one does', async () => {
    const dispatching = async (): Promise<string[]> => {
      const { query } = queriesOf(board).find(({ of }) => of === 'Dispatches')!;
      return (await seriesOf(query)).map(({ metric }) => metric['instance']);
    };
    const [victim, heir] = cluster.hosts.map(({ address }) => `${address}:7482`);
    await expect.poll(dispatching, { timeout: PATIENCE_MS }).toEqual([victim]);
    const scheduled = queriesOf(board).find(({ of }) => of === 'New connections')!.query;
    const perSecond = async (): Promise<number> => Number((await seriesOf(scheduled))[0]?.value[1]);
    await expect.poll(perSecond, { timeout: PATIENCE_MS }).toBeGreaterThan(0);
    await cluster.hosts[0].kill();
    await expect.poll(dispatching, { timeout: PATIENCE_MS }).toEqual([heir]);
    const { query } = queriesOf(board).find(({ of }) => of === 'Another dispatches')!;
    expect((await seriesOf(query)).map(({ metric }) => metric['instance'])).toEqual([heir]);
    // It is still known by its name and does not answer.
    const waiting = async (): Promise<string[]> =>
      (await seriesOf('ALERTS{alertname="RingmasterNodeDown"}')).map(({ metric }) => metric['instance']);
    await expect.poll(waiting, { timeout: PATIENCE_MS }).toEqual([victim]);
  });
});
