/**
 * `npm run bench`: work through a Ringmaster dispatcher, side by side with the same work straight to the servers.
 * The machine decides the absolute figures; the ratios, taken round by round, are what to look at.
 */
import { Command } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Cluster } from '../cluster/cluster.js';
import { LabError } from '../errors.js';
import { enterLab } from '../world/enter.js';
import type { Host } from '../world/host.js';
import { findLoadGenerator, type LoadFigures, type LoadGenerator, type Work } from './load.js';
import { DIRECT, findContenders, type Contender } from './contenders.js';
import { failoverLines, measureFailovers } from './failovers.js';
import { compilePrograms } from './reference.js';
import { compare, figure, table, type Series } from './report.js';
import { BULK_PATH, findService } from './services.js';

interface BenchOptions {
  readonly works: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly failovers: number;
  readonly silent: number;
  readonly keepalived: number;
  readonly output: string;
}

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

function options(): BenchOptions {
  const program = new Command('npm run bench --')
    .description('Compares work through a Ringmaster dispatcher with the same work straight to the servers.')
    .option('--works <names>', 'only these kinds of work, separated by commas', 'all')
    .option('--rounds <n>', 'interleaved rounds (A B A B ...), 0 for none', Number, 5)
    .option('--seconds <n>', 'length of one measurement', Number, 2)
    .option('--failovers <n>', 'how often the dispatcher is killed', Number, 10)
    .option('--silent <n>', 'how often the host of the dispatcher falls silent', Number, 10)
    .option('--keepalived <n>', 'how often keepalived does the same, where installed', Number, 3)
    .option('--output <file>', 'JSON file for all figures', 'out/bench.json');
  const chosen = program.parse().opts<BenchOptions>();
  for (const name of ['rounds', 'failovers', 'silent', 'keepalived'] as const) {
    if (!(Number.isInteger(chosen[name]) && chosen[name] >= 0))
      program.error(`--${name} wants a whole number`);
  }
  if (!(Number.isInteger(chosen.seconds) && chosen.seconds > 0))
    program.error('--seconds wants a whole number above 0');
  return chosen;
}

/** New connections by the ten thousand a second need all ports, and those of ended connections again. */
async function tuneClient(client: Host): Promise<void> {
  const settings = ['ip_local_port_range=1024 65535', 'tcp_tw_reuse=1'];
  for (const setting of settings) {
    const [name, value] = setting.split('=');
    await client.exec('sh', ['-c', `echo ${value} > /proc/sys/net/ipv4/${name}`]);
  }
}

/** Every contender in turn, round after round (A B A B ...), for each kind of work. */
async function measure(
  client: Host,
  load: LoadGenerator,
  contenders: readonly Contender[],
  { works, rounds, seconds }: BenchOptions,
): Promise<Series[]> {
  const chosen = WORKS.filter(({ name }) => works === 'all' || works.split(',').includes(name));
  const series = chosen.flatMap((work) =>
    contenders.flatMap(({ name: contender }) =>
      READ[work.name].map(([unit, read]) => {
        return { contender, work: work.name, unit, values: [] as number[], errors: 0, read };
      }),
    ),
  );
  for (const work of chosen) {
    for (let round = 0; round < rounds; round++) {
      for (const { name, target } of contenders) {
        const figures = await load.run(client, target(round), work, seconds);
        for (const one of series.filter(
          ({ work: its, contender }) => its === work.name && contender === name,
        )) {
          one.values.push(one.read(figures));
          one.errors += figures.errors;
          console.log(
            `  ${work.name}, round ${round + 1}, ${name}: ${figure(one.read(figures))} ${one.unit}`,
          );
        }
      }
    }
  }
  return series.map(({ contender, work, unit, values, errors }) => ({
    contender,
    work,
    unit,
    values,
    errors,
  }));
}

interface Throughput {
  readonly load: string;
  readonly service: string;
  readonly missing: readonly string[];
  readonly series: readonly Series[];
}

async function throughput(chosen: BenchOptions): Promise<Throughput> {
  const cluster = await Cluster.build({ nodes: SERVERS });
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

async function main(): Promise<void> {
  const chosen = options();
  const output = resolve(chosen.output);
  await enterLab();
  const { rounds, seconds } = chosen;
  const work = rounds > 0 ? await throughput(chosen) : undefined;
  // Clusters of their own: the services of the work above are not started again by a returning host.
  const failovers = await measureFailovers({
    killed: chosen.failovers,
    silent: chosen.silent,
    keepalived: chosen.keepalived,
  });
  const rows = work === undefined ? [] : compare(work.series, DIRECT);
  if (rows.length > 0) {
    console.log(`\n${table(rows).join('\n')}\n`);
    console.log('Ratios are taken round by round; for latencies above 1 is slower.');
  }
  if (failovers.length > 0) {
    console.log('\nFailover, from the fault to the first served request:');
    for (const line of failoverLines(failovers)) console.log(`  ${line}`);
  }
  const about = { at: new Date().toISOString(), node: process.version, rounds, seconds };
  const document = { ...about, ...work, rows, failovers };
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, `${JSON.stringify(document, undefined, 2)}\n`);
  console.log(`All figures: ${output}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`\nbench: ${error.message}\n`);
  process.exit(1);
}
