import type { ServerSet } from '../serverSet.js';
import { MAX_SERVERS } from '../servers.js';
import type { Scheduler } from './scheduler.js';

/**
 * The client's address decides: the server at place `address mod N` of the N known ones in order of their addresses. When
 * that one takes no connections, it is stepped over and the rest of the division by N - 1 counts the others, and so on
 * until one does: while a server is away, only its own clients go elsewhere, and they come back with it. Weights do not
 * matter; a server that joins for good, or is forgotten, changes N and with it most clients' servers.
 */
export class SourceHash implements Scheduler {
  private readonly left = new Uint8Array(MAX_SERVERS);

  update(): void {
    // The known servers are in order already.
  }

  choose(servers: ServerSet, client: number): number {
    if (servers.eligibleCount === 0) return -1;
    const { known, knownCount } = servers;
    const first = known[client % knownCount];
    return servers.isEligible(first) ? first : this.chooseOther(servers, client);
  }

  private chooseOther(servers: ServerSet, client: number): number {
    const { left } = this;
    left.set(servers.known);
    for (let count = servers.knownCount; count > 0; count--) {
      const place = client % count;
      const slot = left[place];
      if (servers.isEligible(slot)) return slot;
      left.copyWithin(place, place + 1, count);
    }
    return -1;
  }
}
