/** The configuration as the node uses it: defaults filled in, paths absolute, alternatives in one form. */
import type { DISPATCHES, MODES, PROTOCOLS, SCHEDULERS } from './schema/cluster.js';
import type { CAPABILITIES } from './schema/file.js';
import type { TRANSPORTS } from './schema/ring.js';

export type Capability = (typeof CAPABILITIES)[number];
export type DispatchMode = (typeof MODES)[number];
export type Dispatch = (typeof DISPATCHES)[number];
export type ServiceProtocol = (typeof PROTOCOLS)[number];
export type RingTransport = (typeof TRANSPORTS)[number];
export type SchedulerName = (typeof SCHEDULERS)[number];

/** Who dispatches (R18): the member at `position` (from 1), counted from the smallest or the largest address. */
export interface ElectionConfig {
  readonly from: 'smallest' | 'largest';
  readonly position: number;
}

export interface RingConfig {
  /** What carries the ring; members are ordered by IPv4 address over UDP, by MAC over Ethernet. */
  readonly transport: RingTransport;
  /** UDP port of the ring and TCP port of the connection lists, the same on every member. */
  readonly port: number;
  /** Absolute paths; the first key seals, all of them open. Empty exactly when `insecure`. */
  readonly keyFiles: readonly string[];
  readonly insecure: boolean;
  readonly heartbeatIntervalMs: number;
  readonly communicationTimeoutMs: number;
  readonly broadcastTimeoutMs: number;
  readonly election: ElectionConfig;
  /** Whether a preferred member takes over from a working dispatcher (R19). */
  readonly preempt: boolean;
  readonly holdDownMs: number;
  /** Quorum: fewer members than this and nobody dispatches. */
  readonly minimumMembers: number;
}

/** HTTP statuses, both ends included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** What tells that the service of this node works (R16). Exactly one of `http`, `tcp` and `command` is there. */
export interface HealthConfig {
  readonly http?: string;
  readonly tcp?: string;
  /** Program and arguments. */
  readonly command?: readonly string[];
  /** `http`: which statuses are good; absent: 200 to 299. */
  readonly status?: readonly StatusRange[];
  /** `http` over TLS: whatever certificate is shown is good. */
  readonly insecure?: boolean;
  /** `http`: the name of the service, for Host, SNI and the certificate; absent: the URL's. */
  readonly serverName?: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
}

/** A server outside the ring. */
export interface FixedServerConfig {
  readonly address: string;
  readonly weight: number;
}

export interface ServicePortConfig {
  readonly port: number;
  readonly protocol: ServiceProtocol;
  readonly scheduler: SchedulerName;
  readonly targetPort?: number;
  /** No connection map: the scheduler says for each packet which server it goes to. */
  readonly stateless: boolean;
  /** L4/3: serve this port instead of the members of the ring. */
  readonly servers?: readonly FixedServerConfig[];
  readonly affinity?: AffinityConfig;
  readonly health?: HealthConfig;
}

/** Clients of one network stay with one server. */
export interface AffinityConfig {
  /** Leading bits of an address that a network has in common. */
  readonly prefix4: number;
  readonly prefix6: number;
  /** For how long after its last new connection. */
  readonly timeoutMs: number;
}

export interface ClusterConfig {
  readonly address: string;
  readonly mode: DispatchMode;
  readonly dispatch: Dispatch;
  readonly gateway?: string;
  readonly ports: readonly ServicePortConfig[];
}

export interface ControlConfig {
  /** Absolute paths here and below. */
  readonly socket: string;
  /** `10.0.0.11:7481`; with it there is a token file or a client CA. */
  readonly listen?: string;
  readonly tokenFile?: string;
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCa?: string };
}

export interface DashboardConfig {
  /** `127.0.0.1:7480`, `[::1]:7480` */
  readonly listen: string;
  /** Absolute path. */
  readonly tokenFile?: string;
  readonly allowChanges: boolean;
}

export interface NodeConfig {
  /** Absolute path of the file this was read from. */
  readonly file: string;
  readonly interface: string;
  /** Which address of the interface is the node's own; absent: its first IPv4 address. */
  readonly address?: string;
  /** Which IPv6 address of the interface is the node's own, for L4/3 over IPv6; absent: its first global one. */
  readonly address6?: string;
  readonly outside?: { readonly interface: string };
  readonly weight: number;
  /** How long a server that joins takes to get its full share; 0: it gets that at once. */
  readonly slowStartMs: number;
  readonly capabilities: readonly Capability[];
  readonly ring: RingConfig;
  readonly clusters: readonly ClusterConfig[];
  /** Threads that dispatch packets. */
  readonly workers: number;
  readonly maxConnections: number;
  readonly control: ControlConfig;
  readonly metrics?: { readonly listen: string };
  readonly dashboard?: DashboardConfig;
}
