/** The last minutes of a node, a sample a second: `GET /history`. Made from the status document; bounded. */
import type { StatusDocument } from '../control/status.js';

export const SAMPLE_INTERVAL_MS = 1000;
/** A quarter of an hour. */
export const MOST_SAMPLES = 900;
/** Of larger rings only the sums are kept. */
const MOST_SERVERS = 32;

export interface HistorySample {
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  /** In the map of this node. */
  readonly connections: number;
  readonly newPerSecond: number;
  readonly framesPerSecond: number;
  readonly droppedPerSecond: number;
  /** Members that serve. */
  readonly members: number;
  readonly dispatcher: string | null;
  /** What the members told of their open connections; empty in large rings. */
  readonly servers: readonly { readonly address: string; readonly connections: number }[];
}

export interface HistoryDocument {
  readonly intervalMs: number;
  readonly samples: readonly HistorySample[];
}

interface Counted {
  readonly atMs: number;
  readonly frames: number;
  readonly dropped: number;
  readonly scheduled: number;
}

export class History {
  private readonly samples: HistorySample[] = [];
  private before: Counted | undefined;

  /**
   * @param wallMs milliseconds since 1970, for people
   * @param nowMs monotonic, for rates
   */
  take(status: StatusDocument, wallMs: number, nowMs: number): void {
    const counted = countsOf(status, nowMs);
    const perSecond = (key: 'frames' | 'dropped' | 'scheduled'): number => {
      const { before } = this;
      if (before === undefined || nowMs <= before.atMs) return 0;
      return Math.round((Math.max(0, counted[key] - before[key]) * 1000) / (nowMs - before.atMs));
    };
    const { members, dispatcher } = status.ring;
    this.samples.push({
      atMs: Math.round(wallMs),
      connections: status.connections.total,
      newPerSecond: perSecond('scheduled'),
      framesPerSecond: perSecond('frames'),
      droppedPerSecond: perSecond('dropped'),
      members: members.filter(({ active }) => active).length,
      dispatcher,
      servers:
        members.length > MOST_SERVERS
          ? []
          : members.map(({ address, load }) => ({ address, connections: load?.connections ?? 0 })),
    });
    if (this.samples.length > MOST_SAMPLES) this.samples.shift();
    this.before = counted;
  }

  /** @param sinceMs only samples after this time */
  document(sinceMs: number): HistoryDocument {
    return { intervalMs: SAMPLE_INTERVAL_MS, samples: this.samples.filter(({ atMs }) => atMs > sinceMs) };
  }
}

function countsOf({ counters }: StatusDocument, atMs: number): Counted {
  const { frames, events } = counters;
  return {
    atMs,
    frames: typeof frames === 'number' ? frames : 0,
    dropped: Object.values(counters.dropped).reduce((sum, value) => sum + value, 0),
    scheduled: typeof events === 'object' ? (events['scheduled'] ?? 0) : 0,
  };
}
