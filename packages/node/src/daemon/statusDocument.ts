import type { RingState, SelfDescription } from '@ringmaster/ring';
import { creationTimeMs, dispatcherOf, formatIpv4 } from '@ringmaster/ring';
import type { DropCounts, SocketCounters } from '@ringmaster/transport';
import { formatMac } from 'libnetraw/wire';
import type { DataPlaneStats } from '../dataplane/index.js';
import type {
  CheckStatus,
  DrainStatus,
  FixedServerStatus,
  LoadStatus,
  MemberStatus,
  NodeRole,
  StatusDocument,
} from '../control/index.js';
import type { RebuildProgress } from '../inventory/rebuild.js';
import type { HeardLoad } from '../load/loads.js';
import type { OwnServices } from '../services.js';
import type { Balancing } from './balancing.js';
import type { Operation } from './operation.js';
import { hostedMembers, hostOf, ownHost } from './hosts.js';
import { selfServes, takesConnections } from './serverTable.js';

/** What the status tells of `Operation`. */
export type OperationFigures = Pick<Operation, 'loadOf' | 'notUnderstood' | 'endedConnections'>;

export interface StatusSources {
  readonly services: OwnServices;
  /** Broadcast dispatch only. */
  readonly sharePercent: number | undefined;
  readonly state: RingState;
  readonly stats: DataPlaneStats;
  readonly maxConnections: number;
  readonly rebuild: RebuildProgress;
  /** Ring packets refused by the session layer, by reason. */
  readonly ringDrops: DropCounts;
  readonly inventoryRefused: number;
  readonly socket: Readonly<SocketCounters>;
  readonly operation: OperationFigures;
  readonly health: readonly CheckStatus[];
  readonly fixedServers: readonly FixedServerStatus[];
  readonly balancing: Pick<Balancing, 'weighing'>;
}

/** The one document from which everything that shows a node is made. */
export function statusDocument(sources: StatusSources): StatusDocument {
  const { state, stats, rebuild, operation } = sources;
  const dispatcher = hostOf(state, dispatcherOf(state));
  return {
    address: formatIpv4(ownHost(state)),
    id: state.id,
    role: roleOf(state),
    ring: {
      createdAt: creationTimeMs(state.ring.createdAt),
      dispatcher: dispatcher === undefined ? null : formatIpv4(dispatcher),
      members: members(sources),
    },
    ...(sources.sharePercent !== undefined && { sharePercent: sources.sharePercent }),
    ...(sources.fixedServers.length > 0 && { fixedServers: sources.fixedServers }),
    connections: { ...stats.connections, limit: sources.maxConnections },
    rebuild: { ...rebuild, ms: Math.round(rebuild.ms * 10) / 10 },
    ...(sources.health.length > 0 && { health: sources.health }),
    counters: {
      forwarded: stats.verdicts['forward'] ?? 0,
      local: stats.verdicts['local'] ?? 0,
      answered: stats.verdicts['answer'] ?? 0,
      held: stats.verdicts['hold'] ?? 0,
      dropped: stats.drops,
      events: stats.events,
      frames: stats.frames,
      batches: stats.batches,
      ringBufferDropped: stats.ringDropped,
      handshakesDropped: stats.handshakesDropped,
      routed: { ...stats.routed },
      framesByWorker: Object.fromEntries(stats.workers.map(({ frames }, worker) => [worker, frames])),
      ring: { ...state.counters },
      ringRefused: { ...sources.ringDrops, inventory: sources.inventoryRefused },
      ringSocket: { ...sources.socket },
      nodeMessages: { notUnderstood: operation.notUnderstood },
      drain: { ended: operation.endedConnections },
    },
  };
}

/** A candidate is still a server to everybody else. */
function roleOf(state: RingState): NodeRole {
  return state.role === 'candidate' ? 'server' : state.role;
}

function members(sources: StatusSources): MemberStatus[] {
  const { state } = sources;
  const { self } = state;
  const own: MemberStatus = {
    address: formatIpv4(ownHost(state)),
    id: state.id,
    mac: formatMac(self.mac),
    role: roleOf(state),
    active: selfServes(state),
    ...balanceStatus(sources, ownHost(state), self),
  };
  const hosted = hostedMembers(state);
  const others = hosted.map(({ host, member }) => ({
    address: formatIpv4(host),
    id: member.id,
    mac: formatMac(member.mac),
    role: (member.dispatching ? 'dispatcher' : 'server') as NodeRole,
    active: takesConnections(member, sources.services),
    ...lacks(sources.services.lackedBy(member.services)),
    ...balanceStatus(sources, host, member),
  }));
  const place = hosted.findIndex(({ member }) => member.address > state.ring.self);
  return place < 0 ? [...others, own] : [...others.slice(0, place), own, ...others.slice(place)];
}

const lacks = (names: readonly string[]) => (names.length === 0 ? {} : { lacks: names });

/** What a member says of itself that has to do with its share of the connections. */
type Described = Pick<SelfDescription, 'weight' | 'canServe'>;

function balanceStatus(
  { operation, balancing }: StatusSources,
  host: number,
  member: Described,
): Pick<MemberStatus, 'drain' | 'weight' | 'load'> {
  const heard = operation.loadOf(host);
  const { share, loadFactor } = balancing.weighing(host);
  const inForce = Math.round(member.weight * share * loadFactor * 1000) / 1000;
  return {
    ...(member.weight === 0 && { drain: drainStatus(member, heard) }),
    weight: { configured: member.weight, share, loadFactor, inForce },
    ...(heard && { load: loadStatus(heard) }),
  };
}

/** A weight of 0 is a drain: no configuration has one. */
function drainStatus({ canServe }: Described, heard: HeardLoad | undefined): DrainStatus {
  const deadlineInMs = heard?.report.deadlineInMs;
  return {
    state: canServe ? 'draining' : 'drained',
    deadlineInMs:
      heard === undefined || deadlineInMs === undefined
        ? null
        : Math.round(Math.max(0, deadlineInMs - heard.ageMs)),
    connections: heard?.report.connections ?? null,
  };
}

function loadStatus({ report, ageMs }: HeardLoad): LoadStatus {
  const { connections, newPerSecond, acceptQueue, acceptQueueLimit, responseMs } = report;
  return {
    ...{ connections, newPerSecond, acceptQueue, acceptQueueLimit },
    responseMs: responseMs ?? null,
    ageMs: Math.round(ageMs),
  };
}
