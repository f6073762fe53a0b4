/** What routed dispatch and broadcast dispatch are made of, and do alike. */
import type { RingDriver, RingEvent } from '@ringmaster/transport';
import type { Announcer } from '../announcer.js';
import { monotonicMs, type DataPlane, type ServerInfo } from '../dataplane/index.js';
import type { EventLog } from '../events/eventLog.js';
import type { Rebuild } from '../inventory/rebuild.js';
import type { Logger } from '../logging.js';
import type { FixedServers } from './fixedServers.js';
import type { MemberNames } from './hosts.js';
import type { LiveConfig } from './reload.js';
import { serverTable } from './serverTable.js';

export interface DispatchingParts {
  readonly live: Pick<LiveConfig, 'services'>;
  readonly driver: RingDriver;
  readonly dataPlane: DataPlane;
  readonly announcer: Announcer;
  readonly rebuild: Rebuild;
  readonly logger: Logger;
  readonly fixedServers: Pick<FixedServers, 'table'>;
  readonly events: Pick<EventLog, 'add'>;
  /** Works out what the servers' weights are at present. */
  readonly weigh: (servers: readonly ServerInfo[]) => ServerInfo[];
  /** How long the data plane may go on dispatching without a sign of life of the main thread. */
  readonly leaseMs: number;
}

export const LEASE_RENEWAL_MS = 20;

/** The data plane dispatches from now on, and holds what it does not know. */
export function startDispatching({ dataPlane, leaseMs }: DispatchingParts): void {
  const untilMs = monotonicMs() + leaseMs;
  // The lease of an earlier term has run out, which the first renewal is told; this is a new term.
  if (!dataPlane.renewLease(untilMs)) dataPlane.renewLease(untilMs);
  dataPlane.hold(true);
  dataPlane.setRole('dispatch');
}

/** The data plane goes by what the ring, the configuration and the weights say at present. */
export function passServers(parts: DispatchingParts): void {
  const { dataPlane, driver, weigh, fixedServers, live } = parts;
  dataPlane.setServers(weigh(serverTable(driver.state, live.services, fixedServers.table())));
}

/** Hardly anybody wants to read what members announce; who comes and goes is news. @returns what the member is called */
export function logMember(
  { driver, logger }: DispatchingParts,
  names: MemberNames,
  { member, change, reason }: RingEvent & { kind: 'membershipChanged' },
): string {
  const name = names.show(driver.state, member);
  if (change === 'updated') logger.debug(`member ${name} updated`, { reason });
  else logger.info(`member ${name} ${change}`, { reason });
  return name;
}
