import type { StatusDocument } from '@ringmaster/node';
import { nowMs } from '../clock.js';
import { LabError } from '../errors.js';
import type { RequestStream } from '../load/load.js';
import type { Cluster, ClusterHost } from './cluster.js';

/** What the client noticed of the death of a dispatcher. */
export interface Failover {
  readonly victim: ClusterHost;
  /** When SIGKILL was sent, on the clock of `nowMs`. */
  readonly killedAt: number;
  /** From the kill to the end of the first request that was started after it and served. */
  readonly gapMs: number;
  /** From the kill until another node was seen to dispatch with a complete map; asked every 20 ms. */
  readonly takeoverMs: number;
  /** Status of the new dispatcher at that moment. */
  readonly status: StatusDocument;
}

const ASK_EVERY_MS = 20;

/**
 * Between two kills on the same hosts. A host's kernel tells a peer of closed ports at most six times in a row, then
 * once a second (icmp_ratelimit); kills that follow one another faster would measure nodes without that evidence.
 */
export const PAUSE_BETWEEN_KILLS_MS = 3000;

/**
 * Kills the dispatcher (Ringmaster and the service on its host) with SIGKILL and waits until new requests are served
 * again and another node dispatches.
 *
 * @throws LabError `timeout` when that does not happen in time.
 */
export async function killDispatcher(
  cluster: Cluster,
  stream: RequestStream,
  timeoutMs = 15_000,
): Promise<Failover> {
  const victim = cluster.hostAt((await cluster.whole()).ring.dispatcher!);
  const survivors = cluster.living.filter((host) => host !== victim);
  const killedAt = nowMs();
  const killed = victim.kill();
  // Only requests that were started when the signal had been sent certainly: nobody dead can have dispatched them.
  const first = stream.firstServed(nowMs(), timeoutMs);
  const taken = waitForDispatcher(survivors, timeoutMs);
  const [served, { at, status }] = await Promise.all([first, taken, killed]);
  return { victim, killedAt, gapMs: served.end - killedAt, takeoverMs: at - killedAt, status };
}

/**
 * Asks the hosts' nodes until one of them dispatches with a complete map.
 *
 * @throws LabError `timeout`
 */
export async function waitForDispatcher(
  hosts: readonly ClusterHost[],
  timeoutMs = 15_000,
): Promise<{ at: number; status: StatusDocument }> {
  const deadline = nowMs() + timeoutMs;
  while (nowMs() < deadline) {
    const answers = await Promise.allSettled(hosts.map(({ node }) => node.status()));
    for (const answer of answers) {
      if (answer.status !== 'fulfilled') continue;
      const { role, rebuild } = answer.value;
      if (role !== 'server' && rebuild.state !== 'running') return { at: nowMs(), status: answer.value };
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  throw new LabError('timeout', `None of ${hosts.map(({ name }) => name).join(', ')} became dispatcher.`);
}
