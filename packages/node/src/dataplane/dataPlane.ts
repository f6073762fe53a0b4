import { findLink, type Link } from 'libnetraw';
import type { ClusterConfig, ConnectionRow, DispatchMode, ServerInfo } from '@ringmaster/dispatch';
import { Explaining } from './explaining.js';
import { monotonicMs } from './clock.js';
import { DataPlaneError } from './errors.js';
import { openIpOutput, type IpOutput } from './ipOutput.js';
import { mergeReports, mergeStats } from './mergeStats.js';
import { clientPrefixes, partition, type ClientPrefixes } from './partition.js';
import type {
  Command,
  ConnectionList,
  DataPlaneOptions,
  DataPlaneStats,
  EnterReport,
  Explained,
  PlaneShare,
  WorkerOptions,
} from './types.js';
import { WorkerHandle } from './workerHandle.js';

const DEFAULT_HOLD_BYTES = 4 * 1024 * 1024;
/** Memory for a burst while no worker is scheduled: half a thousand frames, super-frames among them. */
const DEFAULT_RING_SLOTS = 512;
/** Two batches: one is worked on while the next one arrives. */
const MIN_RING_SLOTS = 128;

/**
 * The packets' side of a node, in threads of its own. Commands are applied in the order of their calls; none of them
 * waits for packets, and packets do not wait for them.
 */
export interface DataPlane {
  /** By what packets leave whose next hop only the host knows: `IpOutput`. */
  readonly routesBy: IpOutput['name'];
  /**
   * - `off` (at first): no frame is looked at, the network card does not know the virtual MACs, the connection map is
   *   forgotten. Connections may be entered already, for a takeover with a complete map.
   * - `dispatch`: frames to the virtual MACs are dispatched, ARP requests are answered - while the lease lasts.
   * - `stray`: known connections go on to their servers, the rest goes out again towards the new dispatcher.
   */
  setRole(role: DispatchMode): void;
  /** Makes `servers` the servers; those that are missing get no new connections any more. */
  setServers(servers: readonly ServerInfo[]): void;
  /**
   * Makes `clusters` the clusters; connections of those that stay go on. Only where
   * `obstacleToClusters` sees nothing in the way.
   */
  setClusters(clusters: readonly ClusterConfig[]): void;
  /** Broadcast dispatch: which clients are this node's. To be called before the role is `dispatch` for the first time. */
  setShare(share: PlaneShare): void;
  /** On: frames of unknown connections wait. Either way those that wait already are looked at once more. */
  hold(on: boolean): void;
  /**
   * Enters the connections that a server has. The list is copied. Resolves when all are in the map; later commands are
   * applied after that.
   * @param server address of the server, as an unsigned number
   */
  enter(server: number, list: ConnectionList): Promise<EnterReport>;
  /** Up to `limit` connections of the map. */
  snapshot(limit: number): Promise<ConnectionRow[]>;
  /**
   * What is known about frames, and what would become of each if it came now; nothing is changed. Later frames are looked at
   * as if the earlier ones had come.
   */
  explain(frames: readonly Uint8Array[]): Promise<Explained[]>;
  /** Resolves when every command so far has been applied. */
  settled(): Promise<void>;
  /** Reads shared memory: cheap, and at most one turn of the worker behind. */
  stats(): DataPlaneStats;
  /**
   * Lets the worker dispatch until a point of the clock `monotonicMs`. When it is over - nobody renewed it, because this
   * process was stopped, say - frames are dropped and counted (`leaseExpired`). There is no lease at first.
   *
   * Who renews too late is refused once: only the next call counts again. In between every timer that was due has run, so
   * that the ring, too, has noticed the pause and can say what this node is now (R14).
   * @returns false if it was refused
   */
  renewLease(untilMs: number): boolean;
  /** Trouble while it runs: `interface-down`, which may pass, or `worker-failed`, after which nothing is dispatched. */
  onError(listener: (error: DataPlaneError) => void): void;
  /** Ends the workers; the network card is as before. Open promises resolve with what is known. */
  close(): Promise<void>;
}

/**
 * Starts the data plane of a node, in role `off`.
 * @throws DataPlaneError `not-permitted`, `no-such-interface`, `system`
 */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const inner = linkOf(options.interface);
  const outer = options.outside === undefined ? inner : linkOf(options.outside);
  const mtuBytes = options.mtuBytes ?? { inner: inner.mtuBytes, outer: outer.mtuBytes };
  const forWorkers = { ...options, ...shareOf(options), mtuBytes };
  const plane = new WorkersDataPlane(forWorkers, inner.mac, await openIpOutput());
  try {
    await plane.start();
  } catch (error) {
    await plane.close();
    throw error;
  }
  return plane;
}

function linkOf(name: string): Link {
  const link = findLink(name);
  if (link === undefined) {
    throw new DataPlaneError('no-such-interface', `there is no network interface ${name}`);
  }
  return link;
}

/** What each of the workers may have. */
function shareOf(
  options: DataPlaneOptions,
): Pick<WorkerOptions, 'maxConnections' | 'holdBytes' | 'ringSlots'> {
  const {
    workers = 1,
    maxConnections,
    holdBytes = DEFAULT_HOLD_BYTES,
    ringSlots = DEFAULT_RING_SLOTS,
  } = options;
  const share = (whole: number): number => Math.ceil(whole / workers);
  return {
    maxConnections: share(maxConnections),
    holdBytes: share(holdBytes),
    ringSlots: Math.max(MIN_RING_SLOTS, share(ringSlots)),
  };
}

/** One or several workers as one data plane: all are told everything, and each has the connections of its clients. */
class WorkersDataPlane implements DataPlane {
  readonly routesBy: IpOutput['name'];
  readonly #options: WorkerOptions;
  readonly #ownMac: Uint8Array;
  readonly #wanted: number;
  readonly #prefixes: ClientPrefixes;
  readonly #ipOutput: IpOutput;
  readonly #workers: WorkerHandle[] = [];
  readonly #explaining: Explaining;
  readonly #listeners: ((error: DataPlaneError) => void)[] = [];
  /** Whether the next lease is the first since this node last did not dispatch, so that it cannot be late. */
  #isNewTerm = true;
  #leaseUntilMs = 0;

  constructor(options: WorkerOptions, ownMac: Uint8Array, ipOutput: IpOutput) {
    const { clusters, mtuBytes } = options;
    this.#options = options;
    this.#ownMac = ownMac;
    this.#explaining = new Explaining({ clusters, ownMac, mtuBytes });
    this.#wanted = options.workers ?? 1;
    this.#prefixes = clientPrefixes(options.clusters);
    this.#ipOutput = ipOutput;
    this.routesBy = ipOutput.name;
  }

  /** One worker after the other: the order in which their rings are opened is the one that frames are fanned out by. */
  async start(): Promise<void> {
    let fanoutGroups: readonly number[] | undefined = this.#wanted === 1 ? undefined : [];
    for (let index = 0; index < this.#wanted; index++) {
      const worker = new WorkerHandle({
        options: this.#options,
        ownMac: this.#ownMac,
        index,
        fanoutGroups,
        ipOutput: this.#ipOutput,
        onError: (error) => this.#onError(error, index),
      });
      this.#workers.push(worker);
      const groups = await worker.ready;
      if (fanoutGroups !== undefined) fanoutGroups = groups;
    }
  }

  setRole(role: DispatchMode): void {
    if (role !== 'dispatch') this.#isNewTerm = true;
    this.#explaining.noteRole(role);
    this.#command({ type: 'role', role });
  }

  setServers(servers: readonly ServerInfo[]): void {
    this.#explaining.noteServers(servers);
    this.#command({ type: 'servers', servers });
  }

  setClusters(clusters: readonly ClusterConfig[]): void {
    this.#explaining.noteClusters(clusters);
    this.#command({ type: 'clusters', clusters });
  }

  setShare(share: PlaneShare): void {
    this.#command({ type: 'share', share });
  }

  hold(on: boolean): void {
    this.#explaining.noteHold(on);
    this.#command({ type: 'hold', on });
  }

  async enter(server: number, list: ConnectionList): Promise<EnterReport> {
    const parts = partition(list, this.#workers.length, this.#prefixes);
    const reports = this.#workers.map((worker, i) =>
      worker.request(
        (id) => ({ type: 'enter', id, server, list: parts[i] }),
        (report) =>
          report?.type === 'entered'
            ? report.report
            : { entered: 0, known: 0, moved: 0, refused: parts[i].count },
      ),
    );
    return mergeReports(await Promise.all(reports));
  }

  async snapshot(limit: number): Promise<ConnectionRow[]> {
    const rows: ConnectionRow[] = [];
    for (const worker of this.#workers) {
      const more = await worker.request(
        (id) => ({ type: 'snapshot', id, limit: limit - rows.length }),
        (report) => (report?.type === 'rows' ? report.rows : []),
      );
      for (const row of more) rows.push(row);
    }
    return rows;
  }

  async explain(frames: readonly Uint8Array[]): Promise<Explained[]> {
    const asked = this.#workers.map((worker) =>
      worker.request(
        (id) => ({ type: 'examine', id, frames }),
        (report) => (report?.type === 'examined' ? report.facts : []),
      ),
    );
    return this.#explaining.explain(frames, await Promise.all(asked), this.#prefixes);
  }

  async settled(): Promise<void> {
    await this.snapshot(0);
  }

  stats(): DataPlaneStats {
    return mergeStats(this.#workers.map(({ shared }) => shared.read()));
  }

  renewLease(untilMs: number): boolean {
    const isTooLate = !this.#isNewTerm && monotonicMs() >= this.#leaseUntilMs;
    this.#isNewTerm = isTooLate;
    this.#leaseUntilMs = isTooLate ? 0 : untilMs;
    for (const { shared } of this.#workers) shared.leaseUntilMs = this.#leaseUntilMs;
    return !isTooLate;
  }

  onError(listener: (error: DataPlaneError) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    this.#ipOutput.close();
  }

  #command(command: Command): void {
    for (const worker of this.#workers) worker.command(command);
  }

  /** All workers have the same interfaces, so one of them is enough to hear of their trouble. */
  #onError(error: DataPlaneError, worker: number): void {
    if (error.code !== 'worker-failed' && worker > 0) return;
    for (const listener of this.#listeners) listener(error);
  }
}
