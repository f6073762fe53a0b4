import { MAX_SERVERS, type ServerTable } from '../servers.js';
import type { Scheduler } from './scheduler.js';

/**
 * Turns in proportion to the weights, spread evenly (nginx calls it smooth): with weights 5, 1, 1 the order is
 * a a b a c a a. Each turn every server gains its weight; the one with most is chosen and pays the sum of all.
 */
export class WeightedRoundRobin implements Scheduler {
  private readonly credit = new Int32Array(MAX_SERVERS);

  /** Old credit would be paid out in one go. */
  update(): void {
    this.credit.fill(0);
  }

  choose(servers: ServerTable): number {
    const { credit } = this;
    let best = -1;
    let sum = 0;
    for (let i = 0; i < servers.eligibleCount; i++) {
      const slot = servers.eligible[i];
      const weight = servers.weights[slot];
      sum += weight;
      credit[slot] += weight;
      if (best < 0 || credit[slot] > credit[best]) best = slot;
    }
    if (best >= 0) credit[best] -= sum;
    return best;
  }
}
