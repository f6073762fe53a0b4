import type { ServerSet } from '../serverSet.js';
import { MAX_SERVERS } from '../servers.js';
import type { Scheduler } from './scheduler.js';

/**
 * Each server in turn, whatever its weight. One that starts slowly is passed over in some of its turns: at a quarter of its
 * weight it takes every fourth.
 */
export class RoundRobin implements Scheduler {
  private turn: number;
  /** The greatest share of all: who has it is never passed over. */
  private full = 0;
  private readonly credit = new Uint32Array(MAX_SERVERS);

  constructor(firstTurn = 0) {
    this.turn = firstTurn;
  }

  update({ eligible, eligibleCount, shares }: ServerSet): void {
    this.full = 0;
    for (let i = 0; i < eligibleCount; i++) this.full = Math.max(this.full, shares[eligible[i]]);
  }

  choose({ eligible, eligibleCount, shares }: ServerSet): number {
    if (eligibleCount === 0) return -1;
    for (;;) {
      // The table may have shrunk since the last turn.
      if (this.turn >= eligibleCount) this.turn %= eligibleCount;
      const slot = eligible[this.turn];
      this.turn = this.turn + 1 === eligibleCount ? 0 : this.turn + 1;
      const credit = this.credit[slot] + shares[slot];
      this.credit[slot] = credit >= this.full ? credit - this.full : credit;
      if (credit >= this.full) return slot;
    }
  }
}
