import type { ServerSet } from '../serverSet.js';
import { MAX_SERVERS } from '../servers.js';
import type { Scheduler } from './scheduler.js';

/**
 * Turns in proportion to the weights, spread evenly (nginx calls it smooth): with weights 5, 1, 1 the order is
 * a a b a c a a. Each turn every server gains its weight; the one with most is chosen and pays the sum of all.
 *
 * `byLoad`: by the weights that the servers' load reports make of the configured ones.
 */
export class WeightedRoundRobin implements Scheduler {
  private readonly credit = new Int32Array(MAX_SERVERS);
  private readonly byLoad: boolean;
  /** Turns that are over before the first one. */
  private toSkip: number;

  constructor(byLoad: boolean, firstTurn = 0) {
    this.byLoad = byLoad;
    this.toSkip = firstTurn;
  }

  /**
   * Credit is kept, or with weights that change every second only the heaviest would ever have a turn; but no more than
   * one round of the new weights, or it would be paid out in one go. Who takes no connections has none.
   */
  update(servers: ServerSet): void {
    const weights = this.weightsOf(servers);
    let sum = 0;
    for (let i = 0; i < servers.eligibleCount; i++) sum += weights[servers.eligible[i]];
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      const kept = servers.isEligible(slot) ? this.credit[slot] : 0;
      this.credit[slot] = Math.min(sum, Math.max(-sum, kept));
    }
  }

  choose(servers: ServerSet): number {
    for (; this.toSkip > 0; this.toSkip--) this.next(servers);
    return this.next(servers);
  }

  private next(servers: ServerSet): number {
    const { credit } = this;
    const weights = this.weightsOf(servers);
    let best = -1;
    let sum = 0;
    for (let i = 0; i < servers.eligibleCount; i++) {
      const slot = servers.eligible[i];
      const weight = weights[slot];
      sum += weight;
      credit[slot] += weight;
      if (best < 0 || credit[slot] > credit[best]) best = slot;
    }
    if (best >= 0) credit[best] -= sum;
    return best;
  }

  private weightsOf(servers: ServerSet): Uint16Array | Uint32Array {
    return this.byLoad ? servers.loadWeights : servers.weights;
  }
}
