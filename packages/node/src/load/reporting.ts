import type { OwnLoad } from '../inventory/ownLoad.js';
import type { LoadReport } from '../messages/nodeMessage.js';

export interface ReportingParts {
  /** What the kernel says; may take a while where there are many connections. */
  readonly measure: () => Promise<OwnLoad>;
  /** How long the services take to answer; `undefined` when nothing is checked. */
  readonly responseMs: () => number | undefined;
  /** Until the deadline of a drain. */
  readonly deadlineInMs: () => number | undefined;
  /** Tells everybody. */
  readonly send: (report: LoadReport) => void;
  /** How often, in the ring as it is. */
  readonly intervalMs: () => number;
  readonly onFailure: (why: string) => void;
  readonly nowMs: () => number;
}

/** Measuring may take at most one part in so many of the time. */
const LEAST_REST = 20;

/** Tells the other nodes this one's load, again and again, and at once when something worth it has happened. */
export class LoadReporting {
  private readonly parts: ReportingParts;
  private timer: NodeJS.Timeout | undefined;
  private before: { accepted: number; atMs: number } | undefined;
  private newPerSecond = 0;
  private isMeasuring = false;
  private wantsAnother = false;
  private hasFailed = false;
  private closed = false;

  constructor(parts: ReportingParts) {
    this.parts = parts;
  }

  start(): void {
    void this.report();
  }

  /** As soon as the measurement that may be under way is done. */
  reportNow(): void {
    if (this.timer === undefined && !this.isMeasuring) return;
    if (this.isMeasuring) this.wantsAnother = true;
    else this.schedule(0);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private schedule(inMs: number): void {
    clearTimeout(this.timer);
    if (!this.closed) this.timer = setTimeout(() => void this.report(), inMs);
  }

  private async report(): Promise<void> {
    const { parts } = this;
    const startMs = parts.nowMs();
    this.isMeasuring = true;
    const load = await parts.measure().catch((error: unknown) => this.fail(error));
    this.isMeasuring = false;
    if (this.closed) return;
    if (load !== undefined) this.tell(load);
    const restMs = Math.max(parts.intervalMs(), LEAST_REST * (parts.nowMs() - startMs));
    this.schedule(this.wantsAnother ? 0 : restMs);
    this.wantsAnother = false;
  }

  private tell({ connections, acceptQueue, acceptQueueLimit, accepted }: OwnLoad): void {
    const { parts } = this;
    this.noteAccepted(accepted, parts.nowMs());
    const { newPerSecond } = this;
    const responseMs = parts.responseMs();
    const deadlineInMs = parts.deadlineInMs();
    parts.send({
      kind: 'load',
      connections,
      newPerSecond,
      acceptQueue,
      acceptQueueLimit,
      responseMs,
      deadlineInMs,
    });
  }

  private noteAccepted(accepted: number, atMs: number): void {
    const { before } = this;
    // Reports at once follow one another too closely for a rate.
    if (before !== undefined && atMs - before.atMs < 500) return;
    if (before !== undefined) {
      this.newPerSecond = Math.max(0, (1000 * (accepted - before.accepted)) / (atMs - before.atMs));
    }
    this.before = { accepted, atMs };
  }

  private fail(error: unknown): undefined {
    if (!this.hasFailed && !this.closed) this.parts.onFailure((error as Error).message);
    this.hasFailed = true;
  }
}
