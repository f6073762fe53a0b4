import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CATALOGUE } from '../../src/metrics/catalogue.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { namedIn, queriesOf, type Board } from './promql.js';

/** What is shipped for Prometheus and Grafana: the board, the alert rules, the profile `watch` of the containers. */

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const board = JSON.parse(textOf('docker/grafana/ringmaster.json')) as Board;
const alerts = parse(textOf('docs/alerts.yaml')) as {
  groups: { rules: { alert: string; expr: string }[] }[];
};

/** Those that every target has; Prometheus itself makes the last ones. */
const OF_TARGETS = ['instance', 'job', 'cluster'];
const OF_PROMETHEUS = new Map([
  ['up', []],
  ['ALERTS', ['alertname', 'alertstate']],
]);

/** The names of all metrics that a node tells, with their labels. */
let known: Map<string, readonly string[]>;
beforeAll(async () => {
  const status = {
    ...{ role: 'server', ring: { createdAt: 0, dispatcher: null, members: [] } },
    connections: { halfOpen: 0, established: 0, closing: 0 },
    ...{ rebuild: { state: 'idle', percent: 0, ms: 0 }, counters: { dropped: {} } },
  };
  const text = await new Metrics('1', () => status as never).text();
  const told = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => [name, []] as const);
  const catalogue = CATALOGUE.map(({ name, labels = [] }) => [name, labels] as const);
  known = new Map<string, readonly string[]>([...told, ...catalogue, ...OF_PROMETHEUS]);
});

/** What a query names and nobody tells. */
function unknownIn(query: string): string[] {
  const { metrics, labels } = namedIn(query);
  const allowed = [...OF_TARGETS, ...metrics.flatMap((name) => known.get(name) ?? [])];
  return [
    ...metrics.filter((name) => !known.has(name)),
    ...labels.filter((label) => !allowed.includes(label)).map((label) => `label ${label}`),
  ];
}

it('a query with a wrong name is found', () => {
  expect(
    namedIn('sum by (a, b) (rate(x_total{c="d}", e=~"f"}[1m])) / on (g) max(y offset 5m) > 0.5'),
  ).toEqual({
    metrics: ['x_total', 'y'],
    labels: ['c', 'e', 'a', 'b', 'g'],
  });
  expect(unknownIn('sum by (verdict) (rate(ringmaster_frames_total{cluster=~".*"}[1m]))')).toEqual([]);
  expect(unknownIn('sum by (reason) (rate(ringmaster_frame_total[1m]))')).toEqual([
    'ringmaster_frame_total',
    'label reason',
  ]);
});

describe('names only what nodes tell', () => {
  it.each(queriesOf(board).map(({ of, query }) => [of, query]))('the board: %s: %s', (_, query) => {
    expect(unknownIn(query)).toEqual([]);
    expect(query).not.toContain('$');
    expect(namedIn(query).metrics.length).toBeGreaterThan(0);
  });

  it.each(alerts.groups.flatMap(({ rules }) => rules).map(({ alert, expr }) => [alert, expr]))(
    '%s',
    (_, expr) => {
      expect(unknownIn(expr)).toEqual([]);
    },
  );

  it('the choice of a cluster', () => {
    expect(board.templating.list.flatMap(({ definition }) => definition ?? [])).toEqual([
      'label_values(ringmaster_role, cluster)',
    ]);
    expect(unknownIn('ringmaster_role{cluster="x"}')).toEqual([]);
  });
});

it('the board shows every metric of the catalogue that changes', () => {
  const shown = new Set(queriesOf(board).flatMap(({ query }) => namedIn(query).metrics));
  const left = CATALOGUE.map(({ name }) => name).filter((name) => !shown.has(name));
  // In words elsewhere: `Dispatches`, `Learning the map`; how busy a worker is says little by itself.
  expect(left).toEqual([
    'ringmaster_ring_has_dispatcher',
    'ringmaster_ring_created_timestamp_seconds',
    'ringmaster_rebuild_progress_ratio',
    'ringmaster_dataplane_batches_total',
  ]);
});

describe('the profile `watch`', () => {
  type Service = { profiles?: string[]; volumes: string[]; environment?: Record<string, string> };
  const { services } = parse(textOf('docker/compose.yaml')) as { services: Record<string, Service> };
  const { prometheus, grafana, node } = services;
  const prometheusFile = parse(textOf('docker/prometheus.yaml')) as {
    rule_files: string[];
    scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
  };
  /** Where a file of the repository stands in a container. */
  const mounts = ({ volumes }: Service): Map<string, string> =>
    new Map(
      volumes.map((volume) => {
        const [from, to] = volume.split(':');
        return [join('docker', from), to];
      }),
    );

  it('is left out unless it is asked for, and mounts what is there', () => {
    expect([prometheus.profiles, grafana.profiles, node.profiles]).toEqual([['watch'], ['watch'], undefined]);
    for (const service of [prometheus, grafana])
      for (const file of mounts(service).keys()) expect(existsSync(join(root, file)), file).toBe(true);
  });

  it('asks the nodes where they answer, and has the rules where it looks for them', () => {
    const [job] = prometheusFile.scrape_configs;
    expect(job.job_name).toBe('ringmaster');
    expect(job.dns_sd_configs[0].names).toEqual(Object.keys(services).filter((name) => name === 'node'));
    expect(node.environment?.['RINGMASTER_METRICS']).toBe(`0.0.0.0:${job.dns_sd_configs[0].port}`);
    const place = mounts(prometheus);
    expect(place.get('docker/prometheus.yaml')).toBe('/etc/prometheus/prometheus.yml');
    expect(prometheusFile.rule_files.map((file) => join('/etc/prometheus', file))).toEqual([
      place.get('docs/alerts.yaml'),
    ]);
  });

  it('gives Grafana its source and its board', () => {
    const place = mounts(grafana);
    const { datasources } = parse(textOf('docker/grafana/datasources.yaml')) as {
      datasources: { url: string }[];
    };
    expect(new URL(datasources[0].url).hostname).toBe(
      Object.entries(services).find(([, each]) => each === prometheus)?.[0],
    );
    const { providers } = parse(textOf('docker/grafana/boards.yaml')) as {
      providers: { options: { path: string } }[];
    };
    const shown = place.get('docker/grafana/ringmaster.json') ?? '';
    expect(shown.startsWith(`${providers[0].options.path}/`)).toBe(true);
    expect(grafana.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']).toBe(shown);
    for (const [file, kind] of [
      ['datasources', 'datasources'],
      ['boards', 'dashboards'],
    ])
      expect(place.get(`docker/grafana/${file}.yaml`)).toMatch(
        new RegExp(`^/etc/grafana/provisioning/${kind}/`),
      );
  });
});

const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

describe.runIf(has('promtool'))('promtool', () => {
  let directory: string;
  beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'ringmaster-prometheus-'))));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('takes the configuration and the rules', () => {
    for (const file of ['docker/prometheus.yaml', 'docs/alerts.yaml'])
      copyFileSync(join(root, file), join(directory, file.replace(/.*\//, '')));
    const { status, stdout, stderr } = spawnSync(
      'promtool',
      ['check', 'config', join(directory, 'prometheus.yaml')],
      {
        encoding: 'utf8',
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
  });
});
