import type { Host } from '../world/host.js';
import { nowMs } from '../clock.js';
import { Cluster } from '../cluster/cluster.js';
import { killDispatcher, PAUSE_BETWEEN_KILLS_MS } from '../cluster/failover.js';
import { RequestStream } from '../load/load.js';
import { hasKeepalived, KeepalivedCluster } from './keepalived.js';
import { percentile } from './statistics.js';

/** How a dispatcher fails: its processes get SIGKILL, or its host falls silent (the cable is pulled). */
export type Fault = 'killed' | 'silent';

export interface FailoverSeries {
  readonly contender: string;
  readonly fault: Fault;
  /** From the fault to the end of the first request that was started after it and served; one a run. */
  readonly gapsMs: readonly number[];
}

export interface FailoverPlan {
  readonly killed: number;
  readonly silent: number;
  /** Runs of each kind for keepalived, where it is installed. */
  readonly keepalived: number;
}

/** In bench.md's words: p50 and p99 of Ringmaster with default timers. */
const TARGETS: Readonly<Record<Fault, { readonly p50Ms: number; readonly p99Ms: number }>> = {
  killed: { p50Ms: 60, p99Ms: 150 },
  silent: { p50Ms: 400, p99Ms: 600 },
};

const FIRST_REQUEST_MS = 10_000;
const OUTAGE_LIMIT_MS = 20_000;
const FAULTS: readonly Fault[] = ['killed', 'silent'];
/** VRRP's default, and the shortest interval between advertisements that keepalived takes. */
const ADVERT_INTERVALS_S = [1, 0.01];

/** Lets the dispatcher fail again and again, each contender in a lab of its own. */
export async function measureFailovers(plan: FailoverPlan): Promise<FailoverSeries[]> {
  const series: FailoverSeries[] = [];
  for (const fault of FAULTS) {
    if (plan[fault] > 0) series.push(await ringmasterSeries(fault, plan[fault]));
  }
  if (plan.keepalived === 0) return series;
  if (!(await hasKeepalived())) {
    console.log('left out: keepalived (apt-get install keepalived)');
    return series;
  }
  for (const advertS of ADVERT_INTERVALS_S) {
    for (const fault of FAULTS) series.push(await keepalivedSeries(fault, plan.keepalived, advertS));
  }
  return series;
}

async function ringmasterSeries(fault: Fault, runs: number): Promise<FailoverSeries> {
  const cluster = await Cluster.raise({ nodes: 3 });
  const contender = 'Ringmaster';
  const gapsMs = await repeat(cluster.client, cluster.target, { contender, fault }, runs, async (stream) => {
    const gapMs = fault === 'killed' ? await killedOnce(cluster, stream) : await silentOnce(cluster, stream);
    await cluster.whole();
    return gapMs;
  });
  await cluster.close();
  return { contender, fault, gapsMs };
}

async function killedOnce(cluster: Cluster, stream: RequestStream): Promise<number> {
  const { victim, gapMs } = await killDispatcher(cluster, stream);
  await victim.start();
  return gapMs;
}

async function silentOnce(cluster: Cluster, stream: RequestStream): Promise<number> {
  const { host } = cluster.hostAt((await cluster.whole()).ring.dispatcher!);
  const gapMs = await gapOf(stream, () => host.unplug());
  await host.plug();
  return gapMs;
}

async function keepalivedSeries(fault: Fault, runs: number, advertS: number): Promise<FailoverSeries> {
  const contender = `keepalived, advert_int ${advertS}`;
  const cluster = await KeepalivedCluster.raise(advertS);
  const gapsMs = await repeat(cluster.client, cluster.target, { contender, fault }, runs, async (stream) => {
    const master = cluster.preferred;
    const gapMs = await gapOf(stream, () => (fault === 'killed' ? master.kill() : master.host.unplug()));
    if (fault === 'killed') await master.start();
    else await master.host.plug();
    await cluster.returned(stream);
    return gapMs;
  });
  await cluster.close();
  return { contender, fault, gapsMs };
}

/** Only requests that were started when the fault had certainly begun count: nobody dead can have served them. */
async function gapOf(stream: RequestStream, fail: () => Promise<void>): Promise<number> {
  const failedAt = nowMs();
  await fail();
  const served = await stream.firstServed(nowMs(), OUTAGE_LIMIT_MS);
  return served.end - failedAt;
}

async function repeat(
  client: Host,
  target: string,
  what: { readonly contender: string; readonly fault: Fault },
  runs: number,
  once: (stream: RequestStream) => Promise<number>,
): Promise<number[]> {
  const stream = new RequestStream(client, target);
  await stream.firstServed(0, FIRST_REQUEST_MS);
  const gapsMs: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const gapMs = await once(stream);
    gapsMs.push(Math.round(gapMs * 10) / 10);
    console.log(`  ${what.contender}, ${what.fault}, run ${run} of ${runs}: ${gapMs.toFixed(1)} ms`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_BETWEEN_KILLS_MS));
  }
  await stream.close();
  return gapsMs;
}

/** A line for each series: p50, p99, the greatest, and whether the target was met. */
export function failoverLines(series: readonly FailoverSeries[]): string[] {
  return series.map(({ contender, fault, gapsMs }) => {
    const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((share) => percentile(gapsMs, share));
    const figures = `p50 ${p50Ms} ms, p99 ${p99Ms} ms, max ${maxMs} ms of ${gapsMs.length} runs`;
    if (contender !== 'Ringmaster') return `${contender}, ${fault}: ${figures}`;
    const target = TARGETS[fault];
    const met = p50Ms <= target.p50Ms && p99Ms <= target.p99Ms ? 'met' : 'MISSED';
    return `${contender}, ${fault}: ${figures} (target ${target.p50Ms} / ${target.p99Ms}: ${met})`;
  });
}
