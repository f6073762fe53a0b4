/**
 * The status document: what `GET /status` and `ringmaster status --json` answer. It is part of the interface: keys are
 * added, never renamed. The command line, the dashboard and the metrics are all made from it.
 */
import type { ConfigChange } from '../config/changes.js';

export type NodeRole = 'dispatcher' | 'server' | 'standalone';

export interface MemberStatus {
  /** IPv4 address of its host, dotted. */
  readonly address: string;
  /** 1 to 254, given out by the ring master; 0 while the member has none. */
  readonly id: number;
  /** `02:00:00:00:00:01` */
  readonly mac: string;
  readonly role: NodeRole;
  /** Whether the dispatcher knows it as a server: a draining one is, and is given no new connections all the same. */
  readonly active: boolean;
  /** Absent unless an operator drains it. */
  readonly drain?: DrainStatus;
  /** Services of the asked node's configuration that it does not have, like `10.0.0.100:80/tcp`; absent when it has all. */
  readonly lacks?: readonly string[];
  /** Its share of new connections. */
  readonly weight?: WeightStatus;
  /** What it told of its load; absent when that was never, or too long ago. */
  readonly load?: LoadStatus;
}

export interface WeightStatus {
  /** As its file says; 0 while it is drained. */
  readonly configured: number;
  /** Which part of that its slow start allows, 0 to 1. */
  readonly share: number;
  /** What the scheduler `load-aware` makes of it; 1 when no port has that. */
  readonly loadFactor: number;
  /** The product of the three. */
  readonly inForce: number;
}

export interface LoadStatus {
  /** Open connections to its services. */
  readonly connections: number;
  /** Connections that its host accepts a second. */
  readonly newPerSecond: number;
  /** Connections that wait to be accepted, and how many may. */
  readonly acceptQueue: number;
  readonly acceptQueueLimit: number;
  /** Of its slowest service to a health check; `null` when nothing tells. */
  readonly responseMs: number | null;
  /** How old the report is. */
  readonly ageMs: number;
}

export interface DrainStatus {
  /** `draining`: its connections go on, it is given no new ones. `drained`: the deadline is over, it has none. */
  readonly state: 'draining' | 'drained';
  /** Milliseconds until the deadline; `null` when there is none, or the node has not told it yet. */
  readonly deadlineInMs: number | null;
  /** Connections that it has left; `null` as long as it has not told. */
  readonly connections: number | null;
}

/** A server outside the ring (L4/3), as a node that can dispatch sees it. */
export interface FixedServerStatus {
  readonly address: string;
  /** `null` until it has been seen on the LAN. */
  readonly mac: string | null;
  /** Whether it is given new connections. */
  readonly active: boolean;
  /** Why it is given none. */
  readonly why: string | null;
}

export interface RingStatus {
  /** Creation time of the ring, in milliseconds since 1970 on the ring master's clock. */
  readonly createdAt: number;
  /** Address of the dispatcher, or null while there is none. */
  readonly dispatcher: string | null;
  /** In the order of the ring: by address, or by MAC when the ring runs over Ethernet. */
  readonly members: readonly MemberStatus[];
}

export interface ConnectionCounts {
  readonly total: number;
  readonly halfOpen: number;
  readonly established: number;
  readonly closing: number;
  /** How many the map has room for. */
  readonly limit?: number;
}

/** How far a new dispatcher is with learning the connections of the others. */
export interface RebuildStatus {
  /** `idle`: this node never had to; `running`; `done`: the last rebuild is complete. */
  readonly state: 'idle' | 'running' | 'done';
  /** 0 to 100. */
  readonly percent: number;
  /** How long the last rebuild took, or the running one has taken. 0 while idle. */
  readonly ms: number;
}

/** Frames since the node started. */
export interface StatusCounters {
  readonly forwarded: number;
  readonly held: number;
  /** Dropped frames by the name of the reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Further counters, by name: they come and go with versions. */
  readonly [name: string]: number | Readonly<Record<string, number>>;
}

/** A health check of this node. */
export interface CheckStatus {
  /** `http://127.0.0.1:80/`, `tcp 127.0.0.1:25`, `command /usr/bin/check` */
  readonly check: string;
  /** What follows from the last results in a row; `unknown` before the first. */
  readonly state: 'unknown' | 'good' | 'ill';
  /** The last result, how long it took, and how long ago it was. */
  readonly ok: boolean | null;
  readonly responseMs: number | null;
  readonly ageMs: number | null;
  /** Why it was last not well, also when it is again. */
  readonly lastFailure: string | null;
}

export interface StatusDocument {
  readonly address: string;
  readonly id: number;
  readonly role: NodeRole;
  /** Broadcast dispatch: which part of the clients is this node's; absent in routed dispatch. */
  readonly sharePercent?: number;
  readonly ring: RingStatus;
  /** Absent when none are configured, or when this node cannot dispatch. */
  readonly fixedServers?: readonly FixedServerStatus[];
  readonly connections: ConnectionCounts;
  readonly rebuild: RebuildStatus;
  /** Absent when nothing is checked. */
  readonly health?: readonly CheckStatus[];
  readonly counters: StatusCounters;
}

/** One connection, as `GET /connections` lists it. */
export interface ConnectionStatus {
  /** `10.9.0.2:40000` */
  readonly client: string;
  /** `10.0.0.100:80` */
  readonly cluster: string;
  readonly protocol: 'tcp' | 'udp';
  /** Address of the server that has the connection. */
  readonly server: string;
  readonly state: 'halfOpen' | 'established' | 'closing';
  /** Milliseconds since its last packet. */
  readonly idleMs: number;
}

export interface ConnectionsDocument {
  /** How many the dispatcher knows: more than are listed when there is a limit. */
  readonly total: number;
  readonly connections: readonly ConnectionStatus[];
}

/** What an operator asks of nodes, by their addresses. */
export interface OrderRequest {
  readonly action: 'drain' | 'undrain' | 'abdicate';
  readonly addresses: readonly string[];
  /** Drain: until the deadline, without one if absent. Abdicate: for how long. */
  readonly durationMs: number | undefined;
}

/** What became of it at one node. */
export interface OrderResult {
  readonly address: string;
  /**
   * `already`: nothing had to change. `notServing`: it has no connections to drain. `notDispatching`, `noSuccessor`: it
   * cannot hand the dispatching over. `unanswered`: it may have been told or not; ask again.
   */
  readonly outcome: 'done' | 'already' | 'notServing' | 'notDispatching' | 'noSuccessor' | 'unanswered';
}

/** What `POST /drain`, `/undrain` and `/abdicate` answer. */
export interface OrderDocument {
  readonly servers: readonly OrderResult[];
}

/** What `POST /reload` is asked. */
export interface ReloadRequest {
  /** Only say what would be changed. */
  readonly dryRun: boolean;
}

/** What `POST /reload` answers. */
export interface ReloadDocument {
  /** `checked`: it was a dry run, and could be applied. */
  readonly outcome: 'applied' | 'unchanged' | 'checked';
  readonly changes: readonly ConfigChange[];
  /** What works, but should be mended. */
  readonly warnings: readonly string[];
}

/** What it answers when it refuses. */
export interface ReloadRefusal {
  readonly error: { readonly code: string; readonly message: string };
  readonly changes?: readonly ConfigChange[];
}

/** The answer, or why nothing was changed. */
export type ReloadAnswer =
  | { readonly ok: true; readonly document: ReloadDocument }
  | {
      readonly ok: false;
      /** The file is wrong; it says what needs a restart; the host or the LAN does not allow it; too many wait. */
      readonly code: 'invalid' | 'restart-needed' | 'refused' | 'busy';
      readonly message: string;
      /** What the file would change; none where that is not known. */
      readonly changes: readonly ConfigChange[];
    };

/** What would become of a packet if it came now, as `POST /explain` answers it. */
export interface ExplainedFrame {
  /** `forward`, `local`, `outward`, `resolve`, `answer`, `hold`, `drop`, `ignore`: docs/operations.md. */
  readonly verdict: string;
  /** With `drop`: the name of the reason, as it is counted. */
  readonly reason: string | null;
  /** One sentence that says why. */
  readonly why: string;
  /** `10.9.0.2:40000`; null when the frame belongs to no connection of a cluster. */
  readonly client: string | null;
  readonly cluster: string | null;
  readonly protocol: 'tcp' | 'udp' | null;
  readonly direction: 'to-server' | 'to-client' | null;
  /** The server that it goes to or comes from. */
  readonly server: string | null;
  /** The connection's entry in the map. */
  readonly connection: {
    readonly server: string;
    readonly state: 'halfOpen' | 'established' | 'closing';
    readonly idleMs: number;
    readonly packets: number;
  } | null;
  /** What listens on the port, and how many of its servers take new connections. */
  readonly service: {
    readonly scheduler: string;
    readonly stateless: boolean;
    readonly servers: number;
    readonly eligible: number;
  } | null;
  /** The frame in hexadecimal as it would be sent. */
  readonly sent: string | null;
}

export interface ExplainDocument {
  /** Whether this node dispatches: if not, it leaves all frames alone, and `dispatcher` is the one to ask. */
  readonly dispatching: boolean;
  readonly dispatcher: string | null;
  readonly frames: readonly ExplainedFrame[];
}

/** Why nothing can be explained: the cluster address is none of this node's. */
export type ExplainAnswer =
  | { readonly ok: true; readonly document: ExplainDocument }
  | { readonly ok: false; readonly message: string };
