import type { ServerTable } from './servers.js';

/** Chooses the server of a new connection. One instance a service, called once a connection, never a packet. */
export interface Scheduler {
  /** A slot of `servers` that takes new connections, or -1 when none does. */
  choose(servers: ServerTable): number;
}

/** The schedulers of this version, by the name the configuration calls them. */
export type SchedulerName = 'round-robin';
