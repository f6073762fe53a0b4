import { ConnectionMap, type ConnectionMapOptions, type GoesOn, MAX_CONNECTIONS } from './connectionMap.js';
import type { AddressFamily } from './connectionRecord.js';
import { type ConnectionTally, createTally } from './connectionTally.js';

/** A map for each address family that has a cluster, counting together. */
export class ConnectionMaps {
  readonly ipv4: ConnectionMap;
  /** That of IPv4, and never asked, when there is no IPv6 cluster: its memory is taken only for one. */
  readonly ipv6: ConnectionMap;
  readonly tally: ConnectionTally = createTally();

  /** @param options of each map; its capacity is each family's own */
  constructor(options: Omit<ConnectionMapOptions, 'family' | 'tally'>, hasIpv4: boolean, hasIpv6: boolean) {
    const { tally } = this;
    const capacity4 = hasIpv4 ? options.capacity : 1;
    this.ipv4 = new ConnectionMap({ ...options, capacity: capacity4, family: 4, tally });
    this.ipv6 = hasIpv6 ? new ConnectionMap({ ...options, family: 6, tally }) : this.ipv4;
  }

  /** The map of a family. */
  of(family: AddressFamily): ConnectionMap {
    return family === 4 ? this.ipv4 : this.ipv6;
  }

  /** Whether there is a map for this family. */
  has(family: AddressFamily): boolean {
    return family === 4 ? this.ipv4.capacity > 1 || this.ipv6 === this.ipv4 : this.ipv6 !== this.ipv4;
  }

  /** See `ConnectionMap.collect`; the budget is for both together. */
  collect(nowMs: number, budgetSlots: number): number {
    const { ipv4, ipv6 } = this;
    if (ipv6 === ipv4 || ipv6.highWater === 0) return ipv4.collect(nowMs, budgetSlots);
    if (ipv4.highWater === 0) return ipv6.collect(nowMs, budgetSlots);
    const half = Math.ceil(budgetSlots / 2);
    return ipv4.collect(nowMs, half) + ipv6.collect(nowMs, half);
  }

  /** See `ConnectionMap.forget`. Places of the second map are counted on from where the first one can at most end. */
  forget(goesOn: GoesOn, from: number, budgetSlots: number): number {
    const { ipv4, ipv6 } = this;
    if (from < MAX_CONNECTIONS) {
      const next = ipv4.forget(goesOn, from, budgetSlots);
      if (next >= 0 || ipv6 === ipv4) return next;
      return MAX_CONNECTIONS;
    }
    const next = ipv6.forget(goesOn, from - MAX_CONNECTIONS, budgetSlots);
    return next < 0 ? -1 : MAX_CONNECTIONS + next;
  }
}
