import { Cluster } from '../cluster/cluster.js';
import type { Host } from '../world/host.js';
import { CLUSTERS, findContenders, type Contender } from './contenders.js';
import { cpuTimeUs } from './cpuTime.js';
import { findLoadGenerator, type LoadFigures, type LoadGenerator, type Work } from './load.js';
import type { BenchOptions } from './options.js';
import { compilePrograms } from './reference.js';
import { figure, type Series } from './report.js';
import { BULK_PATH, findService } from './services.js';

const SERVERS = 3;

const WORKS: readonly Work[] = [
  { name: 'keep-alive', unit: 'requests/s', connections: 64, path: '/', close: false },
  { name: 'new connections', unit: 'connections/s', connections: 64, path: '/', close: true },
  { name: 'bulk', unit: 'bytes/s', connections: 4, path: BULK_PATH, close: false },
  { name: 'latency', unit: 'us', connections: 1, path: '/', close: false },
];

/** The figures that a kind of work gives, by unit. */
const READ: Readonly<Record<Work['name'], readonly [string, (figures: LoadFigures) => number][]>> = {
  'keep-alive': [['requests/s', (figures) => figures.requestsPerSecond]],
  'new connections': [['connections/s', (figures) => figures.requestsPerSecond]],
  bulk: [['bytes/s', (figures) => figures.bytesPerSecond]],
  latency: [
    ['us p50', (figures) => figures.p50Us],
    ['us p99', (figures) => figures.p99Us],
  ],
};

/** CPU time of the balancing program itself for one request, where there is such a program. */
export const CPU_UNIT = 'CPU us/request';
const CPU_WORKS: readonly Work['name'][] = ['keep-alive', 'new connections'];

export interface Throughput {
  readonly load: string;
  readonly service: string;
  readonly missing: readonly string[];
  readonly series: readonly Series[];
}

/** New connections by the ten thousand a second need all ports, and those of ended connections again. */
async function tuneClient(client: Host): Promise<void> {
  const settings = ['ip_local_port_range=1024 65535', 'tcp_tw_reuse=1'];
  for (const setting of settings) {
    const [name, value] = setting.split('=');
    await client.exec('sh', ['-c', `echo ${value} > /proc/sys/net/ipv4/${name}`]);
  }
}

/** Collects values under contender, work and unit. */
class Sheet {
  readonly #series = new Map<string, Series & { values: number[]; errors: number }>();

  add(contender: string, work: string, unit: string, value: number, errors: number): void {
    const key = [contender, work, unit].join('\n');
    const series = this.#series.get(key) ?? { contender, work, unit, values: [], errors: 0 };
    this.#series.set(key, series);
    series.values.push(value);
    series.errors += errors;
  }

  get series(): Series[] {
    return [...this.#series.values()];
  }
}

/** Every contender in turn, round after round (A B A B ...), for each kind of work. */
async function measure(
  client: Host,
  load: LoadGenerator,
  contenders: readonly Contender[],
  { works, rounds, seconds }: BenchOptions,
): Promise<Series[]> {
  const sheet = new Sheet();
  const chosen = WORKS.filter(({ name }) => works === 'all' || works.split(',').includes(name));
  for (const work of chosen) {
    for (let round = 0; round < rounds; round++) {
      for (const { name, target, pid } of contenders) {
        const beforeUs = pid === undefined ? 0 : await cpuTimeUs(pid);
        const figures = await load.run(client, target(round), work, seconds);
        for (const [unit, read] of READ[work.name]) {
          sheet.add(name, work.name, unit, read(figures), figures.errors);
          console.log(`  ${work.name}, round ${round + 1}, ${name}: ${figure(read(figures))} ${unit}`);
        }
        if (pid === undefined || !CPU_WORKS.includes(work.name)) continue;
        const usedUs = (await cpuTimeUs(pid)) - beforeUs;
        sheet.add(name, work.name, CPU_UNIT, usedUs / (figures.requestsPerSecond * seconds), 0);
      }
    }
  }
  return sheet.series;
}

/** Raises a cluster with everybody who can be compared, and lets them work. */
export async function measureThroughput(chosen: BenchOptions): Promise<Throughput> {
  const cluster = await Cluster.build({ nodes: SERVERS, settings: { clusters: CLUSTERS } });
  const load = await findLoadGenerator(cluster.client);
  const service = await findService(cluster.client);
  if (load.name !== 'wrk')
    console.log('wrk is missing (apt-get install wrk): a slower generator of our own is used.');
  if (service.name !== 'nginx')
    console.log('nginx is missing (apt-get install nginx-light): node:http serves.');
  await tuneClient(cluster.client);
  await Promise.all(cluster.hosts.map(({ host }) => service.start(host)));
  await Promise.all(cluster.hosts.map((host) => host.startNode()));
  await cluster.whole();
  const { contenders, missing } = await findContenders(cluster, await compilePrograms(cluster.client));
  for (const name of missing) console.log(`left out: ${name}`);
  console.log(`client - router - dispatcher - ${SERVERS} servers (${service.name}), load by ${load.name}`);
  const series = await measure(cluster.client, load, contenders, chosen);
  await cluster.close();
  return { load: load.name, service: service.name, missing, series };
}
