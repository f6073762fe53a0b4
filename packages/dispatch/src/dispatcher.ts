import {
  copyMac,
  ETHERNET_HEADER_BYTES,
  EtherType,
  IpProtocol,
  macEquals,
  MAC_BYTES,
  readU16,
} from 'libnetraw/wire';
import { ArpResponder } from './arpResponder.js';
import { ConnectionMap } from './connectionMap.js';
import { ConnectionCounts } from './connectionCounts.js';
import { Counter, COUNTER_CELLS, dropCounter } from './counters.js';
import { FlowReader } from './flowReader.js';
import { HoldBuffer } from './holdBuffer.js';
import { passOn, rewriteL42 } from './l42.js';
import {
  DEFAULT_HEADROOM_BYTES,
  type DispatcherOptions,
  type DispatchMode,
  type EnterResult,
  type ReportedConnection,
} from './options.js';
import { Router } from './router.js';
import { type ServerInfo, ServerTable } from './servers.js';
import { ServiceTree } from './serviceTree.js';
import { type ConnectionRow, visitConnections } from './snapshot.js';
import { DropReason, Verdict } from './verdicts.js';

/**
 * The dispatcher of a node, as a function of frames and time. It decides about a frame and rewrites it where it lies;
 * sending is the caller's business. Nothing here throws on what comes from the wire, allocates per frame, or reads a byte
 * outside the frame (except its headroom, when it is held).
 *
 * Times are milliseconds of one monotonic clock. Only their value modulo 2^32 counts, so a caller may pass them as `| 0`,
 * which spares the engine a number on its heap per frame.
 */
export class Dispatcher {
  /** Cells are numbered in `counters.ts`: verdicts, events, drops by reason. A frame that was held counts again when it returns. */
  readonly counters: Float64Array;
  /** Connections by state; a live view. */
  readonly counts: ConnectionCounts;
  /** After the verdict `drop`: why. */
  dropReason: DropReason = DropReason.none;
  /** After the verdict `answer`: the frame to send, in the first `replyLength` bytes. */
  readonly reply: Uint8Array;
  readonly replyLength: number;

  private readonly tree: ServiceTree;
  private readonly map: ConnectionMap;
  private readonly servers: ServerTable;
  private readonly flow: FlowReader;
  private readonly router: Router;
  private readonly arp: ArpResponder;
  private readonly heldFrames: HoldBuffer;
  private readonly ownMac: Uint8Array;
  private mode: DispatchMode = 'off';
  private holding = false;
  private latestMs = 0;

  constructor(options: DispatcherOptions) {
    const { maxConnections: capacity, seed } = options;
    this.counters = options.counters ?? new Float64Array(COUNTER_CELLS);
    if (this.counters.length < COUNTER_CELLS) throw new RangeError(`counters needs ${COUNTER_CELLS} cells`);
    if (options.ownMac.length !== MAC_BYTES) throw new RangeError('ownMac has six bytes');
    this.ownMac = options.ownMac.slice();
    this.tree = new ServiceTree(options.clusters, seed);
    this.map = new ConnectionMap({
      capacity,
      seed,
      counters: this.counters,
      timeoutsMs: options.timeoutsMs ?? {},
    });
    this.servers = new ServerTable(this.map.serverConnections);
    this.flow = new FlowReader(this.tree);
    this.router = new Router(this.tree, this.map, this.servers, this.counters);
    this.arp = new ArpResponder(this.tree, this.ownMac, this.counters);
    this.heldFrames = new HoldBuffer(options.holdBytes, options.headroomBytes ?? DEFAULT_HEADROOM_BYTES);
    this.counts = new ConnectionCounts(this.map.counts);
    this.reply = this.arp.reply;
    this.replyLength = this.reply.length;
  }

  /** Decides about the frame of `length` bytes at `offset`, and rewrites it in place when it is to be sent. */
  process(memory: Uint8Array, offset: number, length: number, nowMs: number): Verdict {
    this.latestMs = nowMs | 0;
    const verdict = this.decide(memory, offset, length, nowMs | 0);
    this.counters[verdict]++;
    if (verdict === Verdict.drop) this.counters[dropCounter(this.dropReason)]++;
    return verdict;
  }

  /** Changes what this node is. The connection map stays. */
  setMode(mode: DispatchMode): void {
    this.mode = mode;
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
   * While on, frames of unknown connections (and SYNs that find no server) are held instead of dropped. After turning it
   * off, call {@link takeHeld} and process the frames again.
   */
  hold(on: boolean): void {
    this.holding = on;
  }

  /** Frames held at present. */
  get heldCount(): number {
    return this.heldFrames.count;
  }

  /** The two memories that `takeHeld` hands frames out from, for a shell that wants their addresses once. */
  get heldMemories(): readonly [Uint8Array, Uint8Array] {
    return this.heldFrames.memories;
  }

  /**
   * Hands out what is held, oldest first, to be processed again; returns how many. A frame stands at `offset`, its
   * headroom before it, and stays intact until the next call of `takeHeld`, whatever is held meanwhile.
   */
  takeHeld(visit: (memory: Uint8Array, offset: number, length: number) => void): number {
    const released = this.heldFrames.take(visit);
    this.counters[Counter.released] += released;
    return released;
  }

  /** Enters a connection that a server reported; used while the map is rebuilt. */
  enter(report: ReportedConnection, nowMs: number): EnterResult {
    this.latestMs = nowMs | 0;
    return this.router.enter(report, nowMs);
  }

  /** A piece of garbage collection; see `ConnectionMap.collect`. Returns how many connections it took out. */
  gc(nowMs: number, budgetSlots: number): number {
    this.latestMs = nowMs | 0;
    return this.map.collect(nowMs, budgetSlots);
  }

  /**
   * Shows up to `limit` connections, from a slot on that a former call returned. Returns where to go on, or -1 at the end;
   * may stop short of the limit in a map with large gaps.
   */
  snapshot(limit: number, visit: (row: ConnectionRow) => void, from = 0): number {
    return visitConnections(this.map, this.tree, this.servers, this.latestMs, limit, from, visit);
  }

  private decide(memory: Uint8Array, offset: number, length: number, nowMs: number): Verdict {
    if (this.mode === 'off') return Verdict.ignore;
    if (length < ETHERNET_HEADER_BYTES) return this.drop(DropReason.malformedFrame);
    if (this.mode === 'stray') return this.decideStray(memory, offset, length, nowMs);
    if (readU16(memory, offset + 12) === EtherType.arp) return this.decideArp(memory, offset, length);
    if (!this.tree.isVirtualMac(memory, offset)) return Verdict.ignore;
    let reason = this.flow.read(memory, offset, length);
    if (reason === DropReason.none) reason = this.choose(length, nowMs);
    if (reason === DropReason.none) return rewriteL42(memory, offset, this.servers, this.router.server);
    const waits = reason === DropReason.unknownConnection || reason === DropReason.noServer;
    return this.holding && waits ? this.holdFrame(memory, offset, length) : this.drop(reason);
  }

  private holdFrame(memory: Uint8Array, offset: number, length: number): Verdict {
    return this.heldFrames.offer(memory, offset, length) ? Verdict.hold : this.drop(DropReason.holdFull);
  }

  private choose(length: number, nowMs: number): DropReason {
    const { flow, router } = this;
    return flow.protocol === IpProtocol.icmp ? router.routeEcho() : router.route(flow, length, nowMs);
  }

  private decideArp(memory: Uint8Array, offset: number, length: number): Verdict {
    const verdict = this.arp.respond(memory, offset, length);
    return verdict === Verdict.drop ? this.drop(DropReason.malformedArp) : verdict;
  }

  private decideStray(memory: Uint8Array, offset: number, length: number, nowMs: number): Verdict {
    if (!this.tree.isVirtualMac(memory, offset)) return Verdict.ignore;
    // A tap may see what was passed on: it must not go round.
    if (macEquals(memory, offset + MAC_BYTES, this.ownMac, 0)) return Verdict.ignore;
    const { flow, router } = this;
    const readable = flow.read(memory, offset, length) === DropReason.none;
    if (readable && flow.protocol !== IpProtocol.icmp && router.routeKnown(flow, length, nowMs)) {
      const verdict = rewriteL42(memory, offset, this.servers, router.server);
      // Not from the virtual MAC, or the switch would learn that it is here again.
      if (verdict === Verdict.forward) copyMac(this.ownMac, 0, memory, offset + MAC_BYTES);
      return verdict;
    }
    // What a member has passed on is not passed on again: where several have just abdicated and the switch floods what it
    // has not learned, each would send on what the others send, for ever.
    if (this.servers.isMember(memory, offset + MAC_BYTES)) return Verdict.ignore;
    // Right after a hand-over the switch may still think that the virtual MAC is here: what is sent to it would be lost.
    if (this.holding) return this.holdFrame(memory, offset, length);
    this.counters[Counter.passedOn]++;
    return passOn(memory, offset, this.ownMac);
  }

  private drop(reason: DropReason): Verdict {
    this.dropReason = reason;
    return Verdict.drop;
  }
}
