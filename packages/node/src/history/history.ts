/** The last minutes of a node, a sample a second: `GET /history`. Made from the status document; bounded. */
import type { StatusDocument } from '../control/status.js';
import type { NodeEvent } from '../events/eventLog.js';
import { ratesOf } from './rates.js';

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
  /** Another one dispatches than before, which was lost: no hand-over, and nobody who left. */
  readonly failover: boolean;
  /** What the members told of their open connections; empty in large rings. */
  readonly servers: readonly { readonly address: string; readonly connections: number }[];
}

export interface HistoryDocument {
  readonly intervalMs: number;
  readonly samples: readonly HistorySample[];
}

export class History {
  private readonly samples: HistorySample[] = [];
  /** Who was last seen to dispatch, and whether it has been lost since. */
  private dispatcher: string | null = null;
  private isDispatcherLost = false;
  private before: { readonly counters: StatusDocument['counters']; readonly atMs: number } | undefined;

  /** What happens between two samples. */
  hear(event: NodeEvent): void {
    if (event.kind === 'membership' && event['lost'] === true && event['member'] === this.dispatcher) {
      this.isDispatcherLost = true;
    }
  }

  /**
   * @param wallMs milliseconds since 1970, for people
   * @param nowMs monotonic, for rates
   */
  take(status: StatusDocument, wallMs: number, nowMs: number): void {
    const { before } = this;
    const rates = ratesOf(
      before?.counters ?? status.counters,
      status.counters,
      nowMs - (before?.atMs ?? nowMs),
    );
    const { members, dispatcher } = status.ring;
    const failover = this.isDispatcherLost && dispatcher !== null && dispatcher !== this.dispatcher;
    if (dispatcher !== null) {
      this.dispatcher = dispatcher;
      this.isDispatcherLost = false;
    }
    this.samples.push({
      atMs: Math.round(wallMs),
      connections: status.connections.total,
      newPerSecond: Math.round(rates.newPerSecond),
      framesPerSecond: Math.round(rates.framesPerSecond),
      droppedPerSecond: Math.round(rates.droppedPerSecond),
      members: members.filter(({ active }) => active).length,
      dispatcher,
      failover,
      servers:
        members.length > MOST_SERVERS
          ? []
          : members.map(({ address, load }) => ({ address, connections: load?.connections ?? 0 })),
    });
    if (this.samples.length > MOST_SAMPLES) this.samples.shift();
    this.before = { counters: status.counters, atMs: nowMs };
  }

  /** @param sinceMs only samples after this time */
  document(sinceMs: number): HistoryDocument {
    return { intervalMs: SAMPLE_INTERVAL_MS, samples: this.samples.filter(({ atMs }) => atMs > sinceMs) };
  }
}
