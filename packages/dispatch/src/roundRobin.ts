import type { Scheduler } from './scheduler.js';
import type { ServerTable } from './servers.js';

/** Each server in turn. */
export class RoundRobin implements Scheduler {
  private turn = 0;

  choose(servers: ServerTable): number {
    if (servers.eligibleCount === 0) return -1;
    // The table may have shrunk since the last turn.
    if (this.turn >= servers.eligibleCount) this.turn = 0;
    return servers.eligible[this.turn++];
  }
}
