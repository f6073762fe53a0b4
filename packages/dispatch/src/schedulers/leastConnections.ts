import type { ServerSet } from '../serverSet.js';
import type { Scheduler } from './scheduler.js';

/**
 * The server with the fewest connections in the map, of all services together; `weighted`: the fewest for its weight. Of
 * equals the one whose turn it is, so that an idle cluster does not send everything to its first server. One that starts
 * slowly is filled up to its share of what the others have, not at once to the same.
 */
export class LeastConnections implements Scheduler {
  private readonly weighted: boolean;
  private turn: number;

  constructor(weighted: boolean, firstTurn = 0) {
    this.weighted = weighted;
    this.turn = firstTurn;
  }

  update(): void {
    // Nothing is worked out in advance.
  }

  choose(servers: ServerSet): number {
    const { eligibleCount, eligible } = servers;
    if (eligibleCount === 0) return -1;
    const from = this.turn++ % eligibleCount;
    let best = eligible[from];
    for (let i = 1; i < eligibleCount; i++) {
      const slot = eligible[(from + i) % eligibleCount];
      if (isLessLoaded(servers, slot, best, this.weighted)) best = slot;
    }
    return best;
  }
}

/** Whether a new connection is less of a burden to `slot` than to `other`. Cross-multiplied: no fractions. */
export function isLessLoaded(servers: ServerSet, slot: number, other: number, weighted: boolean): boolean {
  const own = servers.connections[slot] + 1;
  const its = servers.connections[other] + 1;
  const { weights, shares } = servers;
  if (!weighted) return own * shares[other] < its * shares[slot];
  return own * weights[other] < its * weights[slot];
}
