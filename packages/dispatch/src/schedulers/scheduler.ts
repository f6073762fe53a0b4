import type { ServerSet } from '../serverSet.js';

/** Chooses the server of a new connection. One instance a service, called once a connection, never a packet. */
export interface Scheduler {
  /** The servers, their weights or who is active have changed. Not on the packet path; may take a few milliseconds. */
  update(servers: ServerSet): void;
  /**
   * A slot of `servers` that takes new connections, or -1 when none does. `update` has been called since the servers
   * changed.
   * @param client the client's address, an unsigned 32-bit number; an IPv6 one folded into as many bits
   */
  choose(servers: ServerSet, client: number): number;
}
