import type { ServerTable } from '../servers.js';
import type { Scheduler } from './scheduler.js';

/** Each server in turn, whatever its weight. */
export class RoundRobin implements Scheduler {
  private turn = 0;

  update(): void {
    // The turn is brought back into range when it comes.
  }

  choose(servers: ServerTable): number {
    if (servers.eligibleCount === 0) return -1;
    // The table may have shrunk since the last turn.
    if (this.turn >= servers.eligibleCount) this.turn = 0;
    return servers.eligible[this.turn++];
  }
}
