import type { RingState } from '@ringmaster/ring';
import { isDispatching, isEligible } from '@ringmaster/ring';
import type { Logger } from '../logging.js';
import type { OrderOutcome } from '../messages/nodeMessage.js';

export interface AbdicationParts {
  readonly state: RingState;
  /** Announces whether this node may dispatch. */
  readonly describe: (change: { canDispatch: boolean }) => void;
  readonly logger: Logger;
}

/** How long a node stays out of the election when nothing else is said: long enough to look after it. */
const DEFAULT_MS = 600_000;
const RECHECK_MS = 500;

/**
 * Hands the dispatching over because an operator says so: this node announces that it will not dispatch, the next in line
 * takes over once it knows all connections, and this one stays out of the election for a while - unless nobody else is left.
 */
export class Abdication {
  private readonly parts: AbdicationParts;
  private end: NodeJS.Timeout | undefined;
  private recheck: NodeJS.Timeout | undefined;

  constructor(parts: AbdicationParts) {
    this.parts = parts;
  }

  abdicate(durationMs: number = DEFAULT_MS): OrderOutcome {
    const { state, describe, logger } = this.parts;
    if (!isDispatching(state)) return 'notDispatching';
    if (!this.hasSuccessor()) return 'noSuccessor';
    logger.info('handing the dispatching over, as its operator wishes', { notAgainForMs: durationMs });
    clearTimeout(this.end);
    this.end = setTimeout(() => this.returnToElection('its time is over'), durationMs);
    describe({ canDispatch: false });
    return 'done';
  }

  /** To be called when the membership has changed. A ring purge leaves nobody for a moment: that is not meant. */
  review(): void {
    if (this.end === undefined || this.hasSuccessor()) return;
    clearTimeout(this.recheck);
    this.recheck = setTimeout(() => {
      if (this.end !== undefined && !this.hasSuccessor()) this.returnToElection('nobody else can dispatch');
    }, RECHECK_MS);
  }

  close(): void {
    clearTimeout(this.recheck);
    clearTimeout(this.end);
    this.end = undefined;
  }

  private hasSuccessor(): boolean {
    return this.parts.state.roster.all().some(isEligible);
  }

  private returnToElection(why: string): void {
    this.close();
    this.parts.logger.info('this node may dispatch again', { why });
    this.parts.describe({ canDispatch: true });
  }
}
