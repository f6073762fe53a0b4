import type { RingDriver } from '@ringmaster/transport';
import type { EventLog } from '../events/eventLog.js';
import type { HealthMonitor } from '../health/healthMonitor.js';
import type { Rebuild } from '../inventory/rebuild.js';
import type { Balancing } from './balancing.js';
import type { FixedServers } from './fixedServers.js';
import type { Operation } from './operation.js';

/** The parts of a node that decide something, once they are put together. */
export interface Deciding {
  readonly driver: RingDriver;
  readonly rebuild: Rebuild;
  readonly operation: Operation;
  readonly health: HealthMonitor;
  readonly fixedServers: FixedServers;
  readonly balancing: Balancing;
  readonly events: EventLog;
  /** The dispatching goes by what is known of the servers now. */
  readonly updateServers: () => void;
  /** Broadcast dispatch: this node's part of the clients. */
  readonly sharePercent: () => number | undefined;
}
