import { Cluster, type ClusterHost } from '../cluster/cluster.js';
import { CLUSTER_ADDRESS } from '../cluster/layout.js';
import { LabError } from '../errors.js';
import { compilePrograms, type Programs } from './reference.js';
import { median } from './statistics.js';

/** One number of connections, learned anew again and again. */
export interface RebuildSeries {
  readonly connections: number;
  /** From the takeover to the last connection in the map. */
  readonly ms: readonly number[];
}

/** In bench.md's words: how long learning so many connections of three servers may take. */
const TARGETS_MS: Readonly<Record<number, number>> = { 100_000: 300, 1_000_000: 2000 };
const RUNS = 5;
const SERVERS = 3;
const MAKE_MS = 120_000;
const TAKEOVER_MS = 20_000;
const POLL_MS = 20;
/** Clients of the connections; the first address of each server's share. */
const CLIENT_NETWORKS = ['198.18.0.1', '198.18.64.1', '198.18.128.1'];

/**
 * Three servers hold established connections, real sockets of their kernels; a fourth host that has none is the
 * dispatcher and is killed. Its successor learns all connections, its own among them.
 */
export async function measureRebuilds(counts: readonly number[]): Promise<RebuildSeries[]> {
  const series: RebuildSeries[] = [];
  for (const connections of counts) {
    const cluster = await Cluster.build({ nodes: SERVERS + 1 });
    const programs = await compilePrograms(cluster.client);
    if (programs === undefined) {
      console.log('left out: learning connections anew (apt-get install gcc libc6-dev)');
      await cluster.close();
      return series;
    }
    await Promise.all(cluster.hosts.map((host) => host.startService()));
    await Promise.all(cluster.hosts.map((host) => host.startNode()));
    await cluster.whole();
    await holdConnections(cluster.hosts.slice(1), programs, connections);
    const ms: number[] = [];
    for (let run = 1; run <= RUNS; run++) {
      ms.push(await rebuildOnce(cluster, connections));
      console.log(`  ${connections} connections, run ${run} of ${RUNS}: learned in ${ms.at(-1)} ms`);
    }
    series.push({ connections, ms });
    await cluster.close();
  }
  return series;
}

async function holdConnections(
  servers: readonly ClusterHost[],
  programs: Programs,
  connections: number,
): Promise<void> {
  const share = Math.floor(connections / servers.length);
  const holders = servers.map(({ host }, i) => {
    const count = i === 0 ? connections - share * (servers.length - 1) : share;
    return host.spawn(programs.connections, [CLUSTER_ADDRESS, '80', CLIENT_NETWORKS[i], String(count)]);
  });
  await Promise.all(holders.map((holder) => holder.waitForLine((line) => line === 'ready', MAKE_MS)));
}

async function rebuildOnce(cluster: Cluster, connections: number): Promise<number> {
  const [first, successor] = cluster.hosts;
  first.node.kill('SIGKILL');
  await first.node.process.exited;
  const deadline = Date.now() + TAKEOVER_MS;
  for (;;) {
    const { rebuild, connections: known, role } = await successor.node.status();
    if (role === 'dispatcher' && rebuild.state === 'done' && known.total >= connections) {
      await first.startNode();
      await cluster.whole();
      return rebuild.ms;
    }
    if (Date.now() > deadline) {
      throw new LabError(
        'timeout',
        `${successor.name} has learned ${known.total} of ${connections} connections after ${TAKEOVER_MS} ms.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A line for each number of connections. */
export function rebuildLines(series: readonly RebuildSeries[]): string[] {
  return series.map(({ connections, ms }) => {
    const figures = `${median(ms)} ms at the median, ${Math.max(...ms)} ms at most of ${ms.length} runs`;
    const target = TARGETS_MS[connections];
    const met = target === undefined ? '' : ` (target ${target}: ${median(ms) <= target ? 'met' : 'MISSED'})`;
    return `${connections} connections: ${figures}${met}`;
  });
}
