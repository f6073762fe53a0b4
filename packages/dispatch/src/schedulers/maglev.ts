import { mix32 } from '../map/halfSipHash.js';
import type { ServerSet } from '../serverSet.js';
import type { Scheduler } from './scheduler.js';

/** A prime well above a hundred places for each of 254 servers (Eisenbud et al., Maglev, NSDI 2016, section 3.4). */
export const MAGLEV_PLACES = 65_537;
/** No slot: these end at 254. */
const EMPTY = 0xff;

/**
 * Maglev hashing: a table of places, of which each server has its share by weight; the client's address decides the
 * place. All dispatchers that know the same servers work out the same table, and when one comes or goes hardly any client
 * of the others changes its server.
 */
export class Maglev implements Scheduler {
  private readonly places = new Uint8Array(MAGLEV_PLACES).fill(EMPTY);
  /** Of the servers that the table was worked out for. */
  private signature = '';

  update(servers: ServerSet): void {
    const signature = signatureOf(servers);
    if (signature === this.signature) return;
    this.signature = signature;
    this.fill(servers);
  }

  choose(servers: ServerSet, client: number): number {
    if (servers.eligibleCount === 0) return -1;
    return this.places[(mix32(client) >>> 0) % MAGLEV_PLACES];
  }

  /** Each server in turn takes the next place of its own permutation that is free; heavier ones have more turns. */
  private fill(servers: ServerSet): void {
    const { places } = this;
    places.fill(EMPTY);
    const count = servers.eligibleCount;
    if (count === 0) return;
    const next = new Uint32Array(count);
    const skip = new Uint32Array(count);
    const credit = new Uint32Array(count);
    let heaviest = 0;
    for (let i = 0; i < count; i++) {
      const slot = servers.eligible[i];
      const address = servers.addresses[slot];
      next[i] = (mix32(address) >>> 0) % MAGLEV_PLACES;
      skip[i] = ((mix32(address ^ 0x5bd1e995) >>> 0) % (MAGLEV_PLACES - 1)) + 1;
      heaviest = Math.max(heaviest, servers.weights[slot]);
    }
    for (let filled = 0, i = 0; filled < MAGLEV_PLACES; i = (i + 1) % count) {
      const slot = servers.eligible[i];
      credit[i] += servers.weights[slot];
      if (credit[i] < heaviest) continue;
      credit[i] -= heaviest;
      while (places[next[i]] !== EMPTY) next[i] = (next[i] + skip[i]) % MAGLEV_PLACES;
      places[next[i]] = slot;
      filled++;
    }
  }
}

function signatureOf({ eligible, eligibleCount, addresses, weights }: ServerSet): string {
  const parts: string[] = [];
  for (let i = 0; i < eligibleCount; i++) {
    const slot = eligible[i];
    parts.push(`${slot}:${addresses[slot]}:${weights[slot]}`);
  }
  return parts.join();
}
