import type { ServerSet } from '../serverSet.js';
import { isLessLoaded } from './leastConnections.js';
import type { Scheduler } from './scheduler.js';

/**
 * Draws two servers and takes the one with fewer connections for its weight (Mitzenmacher 2001): nearly as even as least
 * connections, without every dispatcher running to the same idle server.
 */
export class TwoRandomChoices implements Scheduler {
  private state: number;

  /** @param seed makes the draws; any number. */
  constructor(seed: number) {
    // The generator stands still at zero.
    this.state = (seed | 0) === 0 ? 1 : seed | 0;
  }

  update(): void {
    // Nothing is worked out in advance.
  }

  choose(servers: ServerSet): number {
    const { eligibleCount, eligible } = servers;
    if (eligibleCount === 0) return -1;
    if (eligibleCount === 1) return eligible[0];
    const first = this.below(eligibleCount);
    // One of the others, each as likely.
    const second = (first + 1 + this.below(eligibleCount - 1)) % eligibleCount;
    return isLessLoaded(servers, eligible[second], eligible[first], true)
      ? eligible[second]
      : eligible[first];
  }

  /** Marsaglia's xorshift32. */
  private below(bound: number): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return (x >>> 0) % bound;
  }
}
