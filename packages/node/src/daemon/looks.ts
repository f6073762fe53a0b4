import type { DataPlane } from '../dataplane/index.js';

/**
 * Pauses after which to look for connections that are still unknown: after a takeover often, because TCP repeats after 200 ms,
 * 400 ms, and so on; the last one again and again, for who is silent for long may have been missed as well.
 */
const LOOK_AFTER_MS = [150, 250, 600, 1500, 2500, 5000, 10_000, 20_000, 60_000];

export interface LooksParts {
  readonly dataPlane: Pick<DataPlane, 'stats'>;
  /** Whether there is still reason to look. */
  readonly isWanted: () => boolean;
  /** Asks everybody again. @param missed packets of unknown connections have come since the last look */
  readonly ask: (missed: boolean) => void;
}

/**
 * A connection that the former dispatcher gave to a server in its last moment may have been too late for the answer of that
 * server: everybody is asked once more (simulator, seed 1000559), and again when packets were unknown since.
 */
export class Looks {
  private readonly parts: LooksParts;
  private next: NodeJS.Timeout | undefined;
  private unknownAtLast = 0;

  constructor(parts: LooksParts) {
    this.parts = parts;
  }

  /** From now on packets of unknown connections count. */
  begin(): void {
    this.unknownAtLast = this.unknownDrops();
  }

  /** Looks after the first pause, and so on. */
  plan(): void {
    this.planLook(0);
  }

  stop(): void {
    clearTimeout(this.next);
  }

  private planLook(look: number): void {
    clearTimeout(this.next);
    this.next = setTimeout(
      () => {
        this.look(look === 0);
        this.planLook(look + 1);
      },
      LOOK_AFTER_MS[Math.min(look, LOOK_AFTER_MS.length - 1)],
    );
  }

  private look(always: boolean): void {
    const unknown = this.unknownDrops();
    const missed = unknown !== this.unknownAtLast;
    if (!this.parts.isWanted() || !(always || missed)) return;
    this.unknownAtLast = unknown;
    this.parts.ask(missed);
  }

  private unknownDrops(): number {
    return this.parts.dataPlane.stats().drops['unknownConnection'] ?? 0;
  }
}
