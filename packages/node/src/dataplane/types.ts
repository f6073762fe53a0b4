/** What the main thread and the data-plane worker say to each other. */
import type {
  ClusterConfig,
  ConnectionRow,
  DispatchMode,
  Examination,
  Rehearsed,
  ServerInfo,
  Timeouts,
} from '@ringmaster/dispatch';
import type { SenderCounters } from 'libnetraw';
import type { MessagePort } from 'node:worker_threads';
import type { Problem } from './errors.js';

/** What a data plane is made from. */
export interface DataPlaneOptions {
  /** Name of the network interface on which the servers are, e.g. `eth0`. */
  readonly interface: string;
  /** Of the one on which the clients are and the cluster addresses are announced; default the same. */
  readonly outside?: string;
  readonly clusters: readonly ClusterConfig[];
  /** Most connections, of all workers together: each may have its share. */
  readonly maxConnections: number;
  /** Most bytes of frames that wait while the map is rebuilt, of all workers together. Default 4 MiB. */
  readonly holdBytes?: number;
  /**
   * Frames that may wait for the workers in their rings of an interface, about 70 KB of kernel memory each. Default 512; each
   * worker has its share, at least 128.
   */
  readonly ringSlots?: number;
  /** Threads that share the packets, each with its part of the connections. Default 1. */
  readonly workers?: number;
  /** Largest IP packets on the two sides. Default: the MTUs of the interfaces when the data plane starts. */
  readonly mtuBytes?: { readonly inner: number; readonly outer: number };
  readonly timeoutsMs?: Partial<Timeouts>;
}

/** The same with a worker's share of what is shared out. */
export type WorkerOptions = DataPlaneOptions &
  Required<Pick<DataPlaneOptions, 'holdBytes' | 'mtuBytes' | 'ringSlots'>>;

interface ConnectionColumns {
  readonly count: number;
  /** The port on which the server has the connection. */
  readonly localPort: Uint16Array;
  readonly clientPort: Uint16Array;
  /** TCP states as the kernel of the server numbers them: `TcpState` of libnetraw. */
  readonly state: Uint8Array;
}

/**
 * The connections of one server over one IP version, in columns of at least `count` rows: what `listTcpConnections` and
 * `listTcpConnections6` of libnetraw give. The local address is a cluster address (L4/2), or the server's own (L4/3).
 */
export type ConnectionList =
  | (ConnectionColumns & {
      readonly family: 4;
      /** Unsigned numbers. */
      readonly localAddress: Uint32Array;
      readonly clientAddress: Uint32Array;
    })
  | (ConnectionColumns & {
      readonly family: 6;
      /** 16 bytes a row. */
      readonly localAddress: Uint8Array;
      readonly clientAddress: Uint8Array;
    });

/** How many connections of a list met which fate; see `EnterResult` of dispatch. */
export interface EnterReport {
  entered: number;
  known: number;
  moved: number;
  /** No room, no such server, no such service, or no valid connection. */
  refused: number;
}

/** Everything countable. Counters never go back while the data plane lives. */
export interface DataPlaneStats extends PlaneFigures {
  /** How the workers share the load. */
  readonly workers: readonly { readonly frames: number; readonly connections: number }[];
}

/** What one worker counts, or all of them together. */
export interface PlaneFigures {
  /** Frames by verdict (`forward`, `local`, ...). A frame that was held counts again when it was released. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** What happened beside: connections scheduled, evicted, expired, entered, and so on. */
  readonly events: Readonly<Record<string, number>>;
  /** Dropped frames by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** Connections in the map at present. */
  readonly connections: {
    readonly total: number;
    readonly halfOpen: number;
    readonly established: number;
    readonly closing: number;
  };
  /** Frames that wait at present for the map to be rebuilt. */
  readonly heldFrames: number;
  /** Frames taken out of the ring, and in how many turns. */
  readonly frames: number;
  readonly batches: number;
  /** Frames that found the ring full: the kernel dropped them. */
  readonly ringDropped: number;
  /** The same of the ring for handshakes. */
  readonly handshakesDropped: number;
  /** Frames that were longer than a slot. */
  readonly truncated: number;
  /** IP packets that were left to the host's own routing, because the MAC of their next hop was not known yet. */
  readonly routed: { readonly sent: number; readonly dropped: number };
  /** What became of the frames that were sent, by way: out of the (inner) interface, ... */
  readonly wire: Readonly<SenderCounters>;
  /** ... out of the interface on the clients' side when it is another one, ... */
  readonly outside: Readonly<SenderCounters>;
  /** ... or to this host over `lo`. */
  readonly loopback: Readonly<SenderCounters>;
}

/** Broadcast dispatch: this node's part. */
export interface PlaneShare {
  /** A bit for each bucket of clients whose packets are taken: `ClientShare` of libnetraw. */
  readonly buckets: readonly number[];
  /** Whether questions about the addresses are answered: one member does. */
  readonly answers: boolean;
}

/** What goes to the worker. Applied in this order, one after the other, however long `enter` takes. */
export type Command =
  | { readonly type: 'role'; readonly role: DispatchMode }
  | { readonly type: 'servers'; readonly servers: readonly ServerInfo[] }
  | { readonly type: 'clusters'; readonly clusters: readonly ClusterConfig[] }
  | { readonly type: 'hold'; readonly on: boolean }
  | { readonly type: 'share'; readonly share: PlaneShare }
  | {
      readonly type: 'enter';
      readonly id: number;
      readonly server: number;
      readonly list: ConnectionList;
    }
  | { readonly type: 'snapshot'; readonly id: number; readonly limit: number }
  /** What is known about frames; nothing is changed. */
  | { readonly type: 'examine'; readonly id: number; readonly frames: readonly Uint8Array[] };

/** IP packets one after the other, each as long as its header says, every checksum complete. */
export interface RoutedPackets {
  readonly type: 'route';
  readonly bytes: Uint8Array;
}

/** What comes from the worker. */
export type Report =
  | { readonly type: 'ready'; readonly fanoutGroups: readonly number[] }
  | RoutedPackets
  | { readonly type: 'failed'; readonly problem: Problem }
  | { readonly type: 'error'; readonly problem: Problem }
  | { readonly type: 'entered'; readonly id: number; readonly report: EnterReport }
  | { readonly type: 'rows'; readonly id: number; readonly rows: ConnectionRow[] }
  | {
      readonly type: 'examined';
      readonly id: number;
      readonly facts: readonly (Examination | undefined)[];
    };

/** What is known about a frame, and what would become of it. */
export interface Explained {
  /** Absent when it belongs to no connection of ours. */
  readonly facts: Examination | undefined;
  readonly outcome: Rehearsed;
}

/** What the worker is started with. */
export interface WorkerData {
  readonly options: WorkerOptions;
  readonly ownMac: Uint8Array;
  readonly seed: number;
  /** Number of the worker, from 0. */
  readonly index: number;
  readonly shared: SharedArrayBuffer;
  readonly wakeFd: number;
  readonly port: MessagePort;
  /** Of each tap: which group of rings to join; empty: to found one. Absent: there is only one worker. */
  readonly fanoutGroups: readonly number[] | undefined;
}
