import type { Logger } from '../logging.js';
import type { OrderOutcome } from '../messages/nodeMessage.js';
import { forgetDrain, readDrain, writeDrain } from './drainFile.js';

/**
 *                drain                    deadline
 *   serving ------------------> draining ------------> drained
 *      ^  <------ undrain --------/                       |
 *      \-------- undrain ---------------------------------/
 */
export type DrainState = 'serving' | 'draining' | 'drained';

export interface DrainParts {
  /** The file in which a drain outlives a crash. */
  readonly file: string;
  /** What this node announces of itself when it serves. */
  readonly weight: number;
  readonly canServe: boolean;
  /** Announces it anew: weight 0 is "no new connections", `canServe` false "no connections at all". */
  readonly describe: (change: { weight: number; canServe: boolean }) => void;
  /** Ends the connections that are left; resolves with how many. */
  readonly endConnections: () => Promise<number>;
  /** Something has changed: everybody should know when the deadline is. */
  readonly onChange: () => void;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Wall clock: a deadline outlives a restart. */
  readonly nowMs: () => number;
}

/** Deadlines are a week at most (`LONGEST_DURATION_MS`), but the wall clock may be set back: a timer takes 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Until the dispatcher has certainly heard that this node takes nothing any more. */
const SETTLE_MS = 250;

/**
 * Drain and undrain of this node. A draining node is given no new connections; those that it has go on. At the deadline,
 * if there is one, it says that it serves no longer and resets what is left, so that clients know at once.
 */
export class Drain {
  private readonly parts: DrainParts;
  private deadline: NodeJS.Timeout | undefined;
  private ending: NodeJS.Timeout | undefined;
  private weight: number;
  state: DrainState = 'serving';
  /** Wall-clock milliseconds; `undefined` without a deadline. */
  deadlineAtMs: number | undefined;
  /** Connections that were ended at deadlines, since this node started. */
  ended = 0;

  constructor(parts: DrainParts) {
    this.parts = parts;
    this.weight = parts.weight;
  }

  /** Announces another weight, now or when this node serves again. */
  reweigh(weight: number): void {
    this.weight = weight;
    if (this.state === 'serving') this.announce();
  }

  /** Takes up the drain of a node that has crashed. To be called before the ring is started. */
  resume(): void {
    const kept = readDrain(this.parts.file);
    if (kept === undefined) return;
    this.parts.log.warn(
      'this node was being drained when it ended: it goes on with that until it is undrained',
    );
    this.begin(kept.deadlineAtMs ?? undefined);
  }

  /** @param durationMs until the deadline; `undefined`: there is none. A new one replaces the one before. */
  drain(durationMs: number | undefined): OrderOutcome {
    const { parts } = this;
    if (!parts.canServe) return 'notServing';
    const known = this.state !== 'serving' && durationMs === undefined && this.deadlineAtMs === undefined;
    if (known || this.state === 'drained') return 'already';
    const deadlineAtMs = durationMs === undefined ? undefined : parts.nowMs() + durationMs;
    this.keep(deadlineAtMs);
    parts.log.info('draining: no new connections', { deadlineMs: durationMs ?? 'none' });
    this.begin(deadlineAtMs);
    return 'done';
  }

  undrain(): OrderOutcome {
    if (this.state === 'serving') return 'already';
    this.stopTimers();
    forgetDrain(this.parts.file);
    this.state = 'serving';
    this.deadlineAtMs = undefined;
    this.announce();
    this.parts.log.info('no longer drained: new connections are welcome');
    return 'done';
  }

  /** Milliseconds until the deadline; `undefined` when there is none, 0 when it is over. */
  deadlineInMs(): number | undefined {
    return this.deadlineAtMs === undefined ? undefined : Math.max(0, this.deadlineAtMs - this.parts.nowMs());
  }

  /** @param asked the node is stopped as its operator wishes: when it is started again, it is wanted again. */
  close(asked: boolean): void {
    this.stopTimers();
    if (asked) forgetDrain(this.parts.file);
  }

  private begin(deadlineAtMs: number | undefined): void {
    this.stopTimers();
    this.state = 'draining';
    this.deadlineAtMs = deadlineAtMs;
    const leftMs = this.deadlineInMs();
    if (leftMs !== undefined)
      this.deadline = setTimeout(() => this.pass(), Math.min(leftMs, LONGEST_TIMER_MS));
    this.announce();
  }

  private pass(): void {
    this.state = 'drained';
    this.announce();
    this.ending = setTimeout(() => void this.endRest(), SETTLE_MS);
  }

  private async endRest(): Promise<void> {
    const { log } = this.parts;
    try {
      const ended = await this.parts.endConnections();
      this.ended += ended;
      log.info('drained: the deadline is over', { ended });
    } catch (error) {
      log.warn('drained, but the connections that are left could not be ended', {
        why: (error as Error).message,
      });
    }
    this.parts.onChange();
  }

  private announce(): void {
    const { canServe, describe, onChange } = this.parts;
    describe({
      weight: this.state === 'serving' ? this.weight : 0,
      canServe: canServe && this.state !== 'drained',
    });
    onChange();
  }

  private keep(deadlineAtMs: number | undefined): void {
    try {
      writeDrain(this.parts.file, { deadlineAtMs: deadlineAtMs ?? null });
    } catch (error) {
      this.parts.log.warn('the drain could not be written down: it will not outlive a crash of this node', {
        why: (error as Error).message,
      });
    }
  }

  private stopTimers(): void {
    clearTimeout(this.deadline);
    clearTimeout(this.ending);
  }
}
