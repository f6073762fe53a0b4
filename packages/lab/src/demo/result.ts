import type { RequestEvent } from '../load/events.js';

/** What `npm run demo -- --json` prints as its last line. Times in milliseconds. */
export interface DemoResult {
  readonly nodes: number;
  /** Requests served, per node. */
  readonly spread: Readonly<Record<string, number>>;
  readonly failover: FailoverResult;
  readonly failback: FailbackResult;
  /** Promises that were not kept; empty when all went well. */
  readonly broken: readonly string[];
}

export interface FailoverResult {
  readonly killedAddress: string;
  readonly newDispatcher: string;
  /** From the kill to the end of the first request that was started after it and served. */
  readonly gapMs: number;
  /** How long the new dispatcher took to learn the connections of the survivors, by its own clock. */
  readonly rebuildMs: number;
  /** Long-lived connections on the surviving nodes when the dispatcher was killed. */
  readonly establishedOnSurvivors: number;
  /** Those of them that were answered afterwards. */
  readonly survived: number;
  /** Those of them that were not. */
  readonly lost: number;
  /** Long-lived connections that lived on the killed node itself, and ended with it. */
  readonly livedOnKilled: number;
  /** New requests that were not served within their time. */
  readonly failedRequests: number;
}

export interface FailbackResult {
  /** The longest time between the ends of two served new requests while the node came back. */
  readonly gapMs: number;
  /** Long-lived connections that were alive before and were not afterwards. */
  readonly lost: number;
  readonly failedRequests: number;
  readonly newDispatcher: string;
}

/** A single run on a busy machine may be slower than the median that is promised (300 ms), but not by this much. */
const WORST_GAP_MS = 1000;
const WORST_SPREAD = 0.1;

/** The promises that this run did not keep, as sentences. */
export function brokenPromises(result: Omit<DemoResult, 'broken'>): string[] {
  const { nodes, spread, failover, failback } = result;
  const broken: string[] = [];
  const total = Object.values(spread).reduce((sum, count) => sum + count, 0);
  const even = total / nodes;
  const served = Object.values(spread);
  if (served.length !== nodes || served.some((count) => Math.abs(count - even) > even * WORST_SPREAD)) {
    broken.push(`requests were not spread within ${WORST_SPREAD * 100} % of even`);
  }
  if (failover.newDispatcher === failover.killedAddress) broken.push('nobody else became dispatcher');
  if (failover.lost > 0)
    broken.push(`${failover.lost} connections on surviving nodes were lost in the failover`);
  if (failover.gapMs > WORST_GAP_MS) broken.push(`no new request was served for ${failover.gapMs} ms`);
  if (failback.lost > 0) broken.push(`${failback.lost} connections were lost when the node came back`);
  if (failback.newDispatcher !== failover.killedAddress) broken.push('the returning node did not take over');
  return broken;
}

/** The longest time between the ends of two served requests, ms; 0 for fewer than two. */
export function longestGapMs(requests: readonly RequestEvent[]): number {
  const ends = requests.filter(({ server }) => server !== undefined).map(({ end }) => end);
  ends.sort((one, other) => one - other);
  return ends.reduce((longest, end, i) => (i === 0 ? 0 : Math.max(longest, end - ends[i - 1])), 0);
}
