import { MAC_BYTES } from 'libnetraw/wire';
import { Counter, COUNTER_CELLS, dropCounter } from './counters.js';
import type { ClusterConfig } from './cluster.js';
import { Decider } from './decider.js';
import { type Examination, Examiner } from './explain/examiner.js';
import { ConnectionMaps } from './map/connectionMaps.js';
import { ConnectionCounts } from './map/connectionTally.js';
import {
  DEFAULT_HEADROOM_BYTES,
  DEFAULT_MTU_BYTES,
  type DispatcherOptions,
  type DispatchMode,
  type EnterResult,
  type ReportedConnection,
} from './options.js';
import { Reports } from './reports.js';
import { Router } from './router.js';
import type { SchedulerStart } from './schedulers/create.js';
import { type ServerInfo, ServerTable } from './servers.js';
import { ServiceTree } from './serviceTree.js';
import { type ConnectionRow, visitConnections } from './snapshot.js';
import { type DropReason, Verdict } from './verdicts.js';

/**
 * The dispatcher of a node, as a function of frames and time. It decides about a frame and rewrites it where it lies;
 * sending is the caller's business. Nothing here throws on what comes from the wire, allocates per frame, or reads a byte
 * outside the frame (except its headroom, when it is held or loses a tag).
 *
 * Times are milliseconds of one monotonic clock. Only their value modulo 2^32 counts, so a caller may pass them as `| 0`,
 * which spares the engine a number on its heap per frame.
 */
export class Dispatcher {
  /** Cells are numbered in `counters.ts`: verdicts, events, drops by reason. A frame that was held counts again when it returns. */
  readonly counters: Float64Array;
  /** Connections by state; a live view. */
  readonly counts: ConnectionCounts;
  /** After the verdict `answer`: the frame to send, in the first `replyLength` bytes. */
  readonly reply: Uint8Array;

  private readonly tree: ServiceTree;
  private readonly maps: ConnectionMaps;
  private readonly servers: ServerTable;
  private readonly reports: Reports;
  private readonly decider: Decider;
  /** Made when it is asked for first. */
  private examiner: Examiner | undefined;
  private readonly start: SchedulerStart;
  private latestMs = 0;

  constructor(options: DispatcherOptions) {
    const { maxConnections: capacity, seed, ownMac } = options;
    this.counters = options.counters ?? new Float64Array(COUNTER_CELLS);
    const { counters } = this;
    if (counters.length < COUNTER_CELLS) throw new RangeError(`counters needs ${COUNTER_CELLS} cells`);
    if (ownMac.length !== MAC_BYTES) throw new RangeError('ownMac has six bytes');
    this.start = { seed, firstTurn: options.firstTurn ?? 0 };
    this.tree = new ServiceTree(options.clusters, this.start);
    const { tree } = this;
    const timeoutsMs = options.timeoutsMs ?? {};
    this.maps = new ConnectionMaps({ capacity, seed, counters, timeoutsMs }, tree.has(4), tree.has(6));
    this.servers = new ServerTable(this.maps.tally.byServer);
    const { servers } = this;
    this.reports = new Reports(tree, this.maps, servers, counters);
    this.decider = new Decider({
      tree,
      servers,
      router: new Router(tree, this.maps, servers, counters),
      counters,
      ownMac: ownMac.slice(),
      seed,
      holdBytes: options.holdBytes,
      headroomBytes: options.headroomBytes ?? DEFAULT_HEADROOM_BYTES,
      maps: this.maps,
      mtuBytes: options.mtuBytes ?? { inner: DEFAULT_MTU_BYTES, outer: DEFAULT_MTU_BYTES },
    });
    this.counts = new ConnectionCounts(this.maps.tally);
    this.reply = this.decider.reply.bytes;
  }

  /** After the verdict `answer`: bytes of the frame in `reply`. */
  get replyLength(): number {
    return this.decider.reply.length;
  }

  /** After the verdict `answer`: whether it is for this node's own kernel, to be injected on `lo` like a `local` frame. */
  get replyIsLocal(): boolean {
    return this.decider.reply.isLocal;
  }

  /** After the verdict `drop`: why. */
  get dropReason(): DropReason {
    return this.decider.dropReason;
  }

  /**
   * After the verdicts `forward`, `local`, `outward` and `resolve`: how many bytes at the front of the frame are not to be
   * sent, with what was before the frame now before the rest. Not zero only where VLAN tags were taken off.
   */
  get skipBytes(): number {
    return this.decider.skipBytes;
  }

  /** Decides about the frame of `length` bytes at `offset`, and rewrites it in place when it is to be sent. */
  process(memory: Uint8Array, offset: number, length: number, nowMs: number): Verdict {
    this.latestMs = nowMs | 0;
    const verdict = this.decider.decide(memory, offset, length, nowMs | 0);
    this.counters[verdict]++;
    if (verdict === Verdict.drop) this.counters[dropCounter(this.decider.dropReason)]++;
    return verdict;
  }

  /** Changes what this node is. The connection map stays. */
  setMode(mode: DispatchMode): void {
    this.decider.mode = mode;
  }

  /**
   * Makes `list` the servers; those that are not in it become inactive. Returns how many found no room, which takes more
   * than 255 servers with connections.
   */
  setServers(list: readonly ServerInfo[], nowMs: number): number {
    this.latestMs = nowMs | 0;
    const unplaced = this.servers.set(list, nowMs);
    this.tree.updateSchedulers(this.servers);
    return unplaced;
  }

  /**
   * Makes `configs` the clusters. Connections of services that stay go on, and in L4/2 those of a port that is gone: it only
   * opens no new ones. A service that is configured as before keeps its turn and what it remembers of clients. What cannot go
   * on - connections of clusters that are gone, and in L4/3, where packets have to be translated, of ports that are - is to be
   * taken out with {@link forgetRest} before the next call.
   *
   * Throws a `RangeError`, having changed nothing, on what the constructor refuses too, and for a cluster of an address
   * family that there was none of: it would need another map.
   */
  setClusters(configs: readonly ClusterConfig[]): void {
    const { tree, maps, servers } = this;
    const next = new ServiceTree(configs, this.start, tree);
    const strange = next.clusters.find(({ family }) => !maps.has(family));
    if (strange !== undefined) throw new RangeError(`there is no connection map for IPv${strange.family}`);
    tree.adopt(next);
    tree.updateSchedulers(servers);
  }

  /** A piece of `setClusters`' aftermath, from a place on that a former call returned. Returns where to go on, or -1 at the end. */
  forgetRest(budgetSlots: number, from = 0): number {
    const { tree } = this;
    const goesOn = (index: number, protocol: number, port: number): boolean => {
      const cluster = tree.clusterNumbered(index);
      if (cluster?.gateway === undefined) return cluster !== undefined;
      return tree.serviceOf(cluster, protocol, port) !== undefined;
    };
    return this.maps.forget(goesOn, from, budgetSlots);
  }

  /**
   * While on, frames of unknown connections (and SYNs that find no server) are held instead of dropped. After turning it
   * off, call {@link takeHeld} and process the frames again.
   */
  hold(on: boolean): void {
    this.decider.hold(on, this.latestMs);
  }

  /** Frames held at present. */
  get heldCount(): number {
    return this.decider.heldFrames.count;
  }

  /** The two memories that `takeHeld` hands frames out from, for a shell that wants their addresses once. */
  get heldMemories(): readonly [Uint8Array, Uint8Array] {
    return this.decider.heldFrames.memories;
  }

  /**
   * Hands out what is held, oldest first, to be processed again; returns how many. A frame stands at `offset`, its
   * headroom before it, and stays intact until the next call of `takeHeld`, whatever is held meanwhile.
   */
  takeHeld(visit: (memory: Uint8Array, offset: number, length: number) => void): number {
    const released = this.decider.heldFrames.take(visit);
    this.counters[Counter.released] += released;
    return released;
  }

  /**
   * Whether fragments that have overtaken the first one of their packet are to be processed again: it has come, or they
   * have waited for too long. Look at it after each batch of frames, and after `gc`; then call {@link takeFragments}.
   */
  get hasReadyFragments(): boolean {
    return this.decider.fragments.isReady;
  }

  /** Hands out the fragments that wait, to be processed again, as `takeHeld` does; returns how many. */
  takeFragments(visit: (memory: Uint8Array, offset: number, length: number) => void): number {
    const released = this.decider.fragments.take(visit);
    this.counters[Counter.released] += released;
    return released;
  }

  /** Enters a connection that a server reported; used while the map is rebuilt. */
  enter(report: ReportedConnection, nowMs: number): EnterResult {
    this.latestMs = nowMs | 0;
    return this.reports.enter(report, nowMs);
  }

  /** A piece of garbage collection; see `ConnectionMap.collect`. Returns how many connections it took out. */
  gc(nowMs: number, budgetSlots: number): number {
    this.latestMs = nowMs | 0;
    this.decider.fragments.collect(nowMs | 0);
    return this.maps.collect(nowMs, budgetSlots);
  }

  /**
   * Shows up to `limit` connections, from a place on that a former call returned. Returns where to go on, or -1 at the end;
   * may stop short of the limit in a map with large gaps.
   */
  snapshot(limit: number, visit: (row: ConnectionRow) => void, from = 0): number {
    const { maps, tree, servers, latestMs } = this;
    return visitConnections({ maps, tree, servers }, latestMs, limit, from, visit);
  }

  /**
   * What is known of the connection that a frame belongs to, for `explain`; changes nothing. `undefined`: it belongs to none
   * of ours. Not for the packet path.
   */
  examine(memory: Uint8Array, offset: number, length: number, nowMs: number): Examination | undefined {
    const { tree, maps, servers, decider } = this;
    this.examiner ??= new Examiner({ tree, maps, servers, hopMacs: decider.hopMacs });
    return this.examiner.examine(memory, offset, length, nowMs);
  }
}
