import type { LoadReport } from '../messages/nodeMessage.js';

/** With many members each tells its load less often, so that no member passes on more than fifty reports a second. */
const PER_MEMBER_MS = 20;
const SHORTEST_INTERVAL_MS = 1000;
/** A report counts until so many more should have come. */
const STALE_INTERVALS = 5;
/** Hosts that are remembered; a ring has at most 254 members. */
const MAX_HOSTS = 512;

/** How often a node tells its load in a ring of so many members. */
export function reportIntervalMs(members: number): number {
  return Math.max(SHORTEST_INTERVAL_MS, members * PER_MEMBER_MS);
}

export interface HeardLoad {
  readonly report: LoadReport;
  readonly ageMs: number;
}

/** The newest load report of each node, by the IPv4 address of its host. Pure: time is an argument. */
export class Loads {
  private readonly heard = new Map<number, { report: LoadReport; atMs: number }>();

  note(host: number, report: LoadReport, nowMs: number): void {
    this.heard.delete(host);
    this.heard.set(host, { report, atMs: nowMs });
    for (const oldest of this.heard.keys()) {
      if (this.heard.size <= MAX_HOSTS) return;
      this.heard.delete(oldest);
    }
  }

  /** What a host last reported, unless that was too long ago for a ring of so many members. */
  of(host: number, members: number, nowMs: number): HeardLoad | undefined {
    const heard = this.heard.get(host);
    if (heard === undefined) return undefined;
    const ageMs = nowMs - heard.atMs;
    return ageMs > STALE_INTERVALS * reportIntervalMs(members) ? undefined : { report: heard.report, ageMs };
  }
}
