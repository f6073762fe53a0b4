import type { IpAddress } from 'libnetraw/wire';
import type { ConnectionState } from './map/connectionRecord.js';
import type { ClusterConfig } from './cluster.js';
import type { Timeouts } from './map/timeouts.js';

/** Bytes of the vnet header, which belongs to a held frame. */
export const DEFAULT_HEADROOM_BYTES = 10;
/** What Ethernet carries. */
export const DEFAULT_MTU_BYTES = 1500;

/** What a dispatcher is made from. */
export interface DispatcherOptions {
  clusters: readonly ClusterConfig[];
  /** The hardware address of this node's interface. */
  ownMac: Uint8Array;
  /** Most connections at a time; of each address family that has a cluster. */
  maxConnections: number;
  /** Keys the hash of the connection map; random, and known to nobody else. Up to 53 bits are used. */
  seed: number;
  /** Most bytes of held frames; twice that is allocated. */
  holdBytes: number;
  /** Bytes before each frame that are held with it. Default 10, the vnet header. */
  headroomBytes?: number;
  timeoutsMs?: Partial<Timeouts>;
  /** Largest IP packets on the servers' and on the clients' side; default 1500 each. L4/3 answers "too big" by them. */
  mtuBytes?: { inner: number; outer: number };
  /** Whose turn it is first with schedulers that take turns; another one in each dispatcher of a node. Default 0. */
  firstTurn?: number;
  /** At least `COUNTER_CELLS` cells to count in, such as shared memory. Default: an array of its own. */
  counters?: Float64Array;
}

/** What a node does with frames to the virtual MACs. */
export type DispatchMode =
  /** Not the dispatcher: everything is ignored. */
  | 'off'
  /** The dispatcher. */
  | 'dispatch'
  /**
   * Has just abdicated: known connections go on to their servers; the rest is held while `hold` is on, and goes back out
   * towards the new dispatcher when it is not.
   */
  | 'stray';

/** A connection that a server reported. The dispatcher keeps nothing of it: one object may serve for many reports. */
export interface ReportedConnection {
  /** The server's name, an unsigned IPv4 address. */
  serverAddress: number;
  /** What the server's kernel calls the local address: the cluster's, or in L4/3 the server's own. */
  clusterAddress: IpAddress;
  clientAddress: IpAddress;
  clientPort: number;
  port: number;
  /** 6 or 17. */
  protocol: number;
  state: ConnectionState;
}

/** What became of a reported connection. */
export type EnterResult =
  | 'entered'
  /** It was there already; its server is the reported one, or it is better known here than the report knows it. */
  | 'known'
  /** It was there as half-open, given to another server by a retransmitted SYN; the report corrected that. */
  | 'moved'
  /** The map is full of established connections. */
  | 'full'
  /** The server is not in the server table. */
  | 'noServer'
  /** The cluster has no such port, or there is no such cluster. */
  | 'noService'
  /** An address or port that no connection can have. */
  | 'invalid';
