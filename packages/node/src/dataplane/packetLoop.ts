import {
  type ClusterConfig,
  Dispatcher,
  DropReason,
  dropCounter,
  Verdict,
  type DispatchMode,
  type ServerInfo,
} from '@ringmaster/dispatch';
import {
  Ready,
  RingPoller,
  VNET_HEADER_BYTES,
  type FanoutOptions,
  type NativeMemory,
  type PacketRing,
  type Wake,
} from 'libnetraw';
import { monotonicMs } from './clock.js';
import { HostRoute } from './hostRoute.js';
import type { CommandTarget, Inbox } from './inbox.js';
import { BATCH_FRAMES, Outbox } from './outbox.js';
import type { Figures, SharedState } from './sharedState.js';
import { isToCluster, openTaps, type Side, type Tap, targetsOfSide } from './tap.js';
import { clientPrefixes } from './partition.js';
import type { PlaneShare, RoutedPackets, WorkerOptions } from './types.js';

/** How often connections are aged and the ring's own counters asked for. */
const UPKEEP_INTERVAL_MS = 20;
/** The longest sleep, so that connections age without traffic. */
const IDLE_MS = 200;
/** So many handshakes at most a turn, while the rest comes faster than it is worked off. */
const FEW_FRAMES = 8;
/** A piece of garbage collection: a fraction of a millisecond. */
const UPKEEP_SLOTS = 8192;

/** What the loop is made from. */
export interface PacketLoopOptions {
  readonly options: WorkerOptions;
  readonly ownMac: Uint8Array;
  readonly seed: number;
  /** Number of this worker, from 0. */
  readonly index: number;
  readonly shared: SharedState;
  readonly wake: Wake;
  /** How each ring of the taps shares its frames with those of other workers. */
  readonly fanouts: readonly FanoutOptions[];
  /** Trouble with an interface. It may pass. */
  readonly onError: (error: unknown) => void;
  /** Packets whose next hop only the host knows. */
  readonly onRoute: (packets: RoutedPackets) => void;
}

/**
 * The shell around the dispatcher: takes frames from the rings, asks what to do with each, and does it - up to 64 frames of
 * a ring a turn, run to completion, never awaits anything. Sleeps in the kernel while there is nothing to do.
 */
export class PacketLoop implements CommandTarget {
  #dispatcher: Dispatcher;
  readonly #given: PacketLoopOptions;
  readonly #shared: SharedState;
  readonly #taps: readonly Tap[];
  readonly #poller: RingPoller;
  readonly #outbox: Outbox;
  readonly #hostRoute: HostRoute;
  readonly #rings: readonly PacketRing[];
  readonly #taken = new Int32Array(BATCH_FRAMES);
  readonly #few = new Int32Array(FEW_FRAMES);
  readonly #figures: Figures = {
    frames: 0,
    batches: 0,
    ringDropped: 0,
    handshakesDropped: 0,
    truncated: 0,
    heldFrames: 0,
    unrouted: 0,
  };
  #role: DispatchMode = 'off';
  #holding = false;
  /** Where the frame that is looked at came in. */
  #side: Side = 'inner';
  #servers: readonly ServerInfo[] = [];
  #clusters: readonly ClusterConfig[];
  #upkeepMs = 0;

  /** Opens everything. Throws `SystemError`. */
  constructor(given: PacketLoopOptions) {
    this.#given = given;
    this.#shared = given.shared;
    this.#clusters = given.options.clusters;
    this.#dispatcher = this.#newDispatcher();
    this.#taps = openTaps(given.options, given.fanouts);
    this.#rings = this.#taps.flatMap(({ rings }) => rings);
    this.#poller = new RingPoller(this.#rings, given.wake);
    this.#outbox = new Outbox(given.options.interface, given.options.outside);
    this.#hostRoute = new HostRoute(given.shared, given.onRoute);
  }

  /** Of each ring, for the workers that come after; -1 without. */
  get fanoutGroups(): number[] {
    return this.#rings.map(({ fanoutGroup }) => fanoutGroup);
  }

  get dispatcher(): Dispatcher {
    return this.#dispatcher;
  }

  /** Runs until the main thread asks to close. */
  run(inbox: Inbox): void {
    const shared = this.#shared;
    while (!shared.closeRequested) {
      const nowMs = monotonicMs();
      const isBusy = inbox.step(this, nowMs);
      this.#turns(nowMs);
      if (nowMs - this.#upkeepMs >= UPKEEP_INTERVAL_MS) this.#upkeep(nowMs);
      if (this.#dispatcher.hasReadyFragments) this.#releaseFragments(nowMs);
      this.#publish();
      if (!isBusy && !this.#hasFrames()) this.#sleep();
    }
  }

  /** Changes the node's role. `off` forgets the connection map: by the next time it would be out of date. */
  setRole(role: DispatchMode): void {
    this.#role = role;
    this.#dispatcher.setMode(role);
    for (const tap of this.#taps) tap.setRole(role);
    if (role !== 'off') return;
    this.#dispatcher = this.#newDispatcher();
    this.#dispatcher.setServers(this.#servers, monotonicMs());
    this.#dispatcher.hold(this.#holding);
  }

  /** Makes these the clusters. What those that are gone leave in the map is then to be forgotten, see `Dispatcher`. */
  setClusters(clusters: readonly ClusterConfig[]): void {
    this.#dispatcher.setClusters(clusters);
    this.#clusters = clusters;
    const hasOutside = this.#given.options.outside !== undefined;
    for (const tap of this.#taps) tap.setTargets(targetsOfSide(tap.side, clusters, hasOutside));
  }

  setShare(share: PlaneShare): void {
    for (const tap of this.#taps) tap.setShare(share, clientPrefixes(this.#clusters));
  }

  setServers(servers: readonly ServerInfo[]): void {
    this.#servers = servers;
    this.#dispatcher.setServers(servers, monotonicMs());
  }

  /** Holds frames of unknown connections from now on, or not any more. Those that are held are looked at once more. */
  hold(on: boolean): void {
    this.#holding = on;
    this.#dispatcher.hold(on);
    const nowMs = monotonicMs();
    this.#dispatcher.takeHeld((memory, offset, length) => this.#reconsider(memory, offset, length, nowMs));
    this.#send();
  }

  /** Fragments that came before the first one of their packet are looked at once more. */
  #releaseFragments(nowMs: number): void {
    this.#dispatcher.takeFragments((memory, offset, length) =>
      this.#reconsider(memory, offset, length, nowMs),
    );
    this.#send();
  }

  close(): void {
    for (const tap of this.#taps) tap.close();
    this.#poller.close();
    this.#outbox.close();
  }

  #newDispatcher(): Dispatcher {
    const { options, ownMac, seed, shared, index } = this.#given;
    return new Dispatcher({
      clusters: this.#clusters,
      ownMac,
      seed,
      firstTurn: index,
      maxConnections: options.maxConnections,
      holdBytes: options.holdBytes,
      headroomBytes: VNET_HEADER_BYTES,
      counters: shared.counters,
      mtuBytes: options.mtuBytes,
      ...(options.timeoutsMs === undefined ? {} : { timeoutsMs: options.timeoutsMs }),
    });
  }

  /** Whether another frame has come meanwhile: that is cheaper to see than to be told by the kernel. */
  #hasFrames(): boolean {
    for (let i = 0; i < this.#rings.length; i++) if (this.#rings[i].hasFrames) return true;
    return false;
  }

  /** Handshakes come after the rest, and only a few when there is more of that: a flood must not take its time either. */
  #turns(nowMs: number): void {
    const taps = this.#taps;
    let isBehind = false;
    for (let i = 0; i < taps.length; i++)
      isBehind = this.#turn(taps[i].ring, taps[i].side, this.#taken, nowMs) || isBehind;
    const taken = isBehind ? this.#few : this.#taken;
    for (let i = 0; i < taps.length; i++) this.#turn(taps[i].handshakes, taps[i].side, taken, nowMs);
  }

  /** One batch, from the ring and back to it. Returns whether there may be more. */
  #turn(ring: PacketRing, side: Side, taken: Int32Array, nowMs: number): boolean {
    this.#side = side;
    const count = ring.takeMany(taken);
    if (count === 0) return false;
    for (let i = 0; i < count; i++) this.#handle(ring, taken[i], nowMs);
    this.#send();
    ring.releaseMany(taken, count);
    this.#figures.frames += count;
    this.#figures.batches += 1;
    return count === taken.length;
  }

  #handle(ring: PacketRing, slot: number, nowMs: number): void {
    if (ring.isTruncated(slot)) {
      this.#figures.truncated += 1;
      return;
    }
    if (this.#leaseIsOver(nowMs)) {
      this.#countExpired(1);
      return;
    }
    this.#dispatch(ring.memory, ring.frameOffset(slot), ring.frameLength(slot), nowMs);
  }

  /** Asks about one frame, and queues what is to be sent. */
  #dispatch(memory: NativeMemory, offset: number, length: number, nowMs: number): void {
    switch (this.#dispatcher.process(memory.bytes, offset, length, nowMs)) {
      case Verdict.forward:
        return this.#outbox.inward(memory, offset, length);
      case Verdict.local:
        return this.#deliver(memory, offset, length);
      case Verdict.outward:
        return this.#outbox.outward(memory, offset, length);
      case Verdict.answer:
        return this.#answer();
      case Verdict.resolve:
        return this.#resolve(memory, offset, length);
    }
  }

  /** To this host itself, without the VLAN tags that a frame may have had. */
  #deliver(memory: NativeMemory, offset: number, length: number): void {
    const { skipBytes } = this.#dispatcher;
    this.#outbox.deliver(memory, offset + skipBytes, length - skipBytes);
  }

  /** To the host's own routing, which knows no VLAN tags either. */
  #resolve(memory: NativeMemory, offset: number, length: number): void {
    const { skipBytes } = this.#dispatcher;
    this.#hostRoute.take(memory.bytes, offset + skipBytes, length - skipBytes);
  }

  /** Whether a frame, by its destination, is one that comes from clients by an interface of their own. */
  #isOuter(bytes: Uint8Array, offset: number): boolean {
    return this.#given.options.outside !== undefined && isToCluster(bytes, offset, this.#clusters);
  }

  #answer(): void {
    const { reply, replyLength, replyIsLocal } = this.#dispatcher;
    if (!this.#outbox.hasRoom(replyLength)) this.#send();
    const offset = this.#outbox.place(replyLength);
    const { scratch } = this.#outbox;
    for (let i = 0; i < replyLength; i++) scratch.bytes[offset + i] = reply[i];
    if (replyIsLocal) this.#outbox.deliver(scratch, offset, replyLength);
    else this.#outbox.send(this.#side, scratch, offset, replyLength);
  }

  /** Takes a held frame, with its offload header, to where it can be sent from, and asks about it again. */
  #reconsider(held: Uint8Array, heldOffset: number, length: number, nowMs: number): void {
    if (!this.#outbox.hasRoom(length)) this.#send();
    const offset = this.#outbox.place(length);
    const { scratch } = this.#outbox;
    scratch.bytes.set(
      held.subarray(heldOffset - VNET_HEADER_BYTES, heldOffset + length),
      offset - VNET_HEADER_BYTES,
    );
    this.#side = this.#isOuter(scratch.bytes, offset) ? 'outer' : 'inner';
    this.#dispatch(scratch, offset, length, nowMs);
  }

  /**
   * Lets what is queued go, unless the lease ran out meanwhile: a process that was stopped between looking at its frames
   * and sending them must not send them when it wakes up.
   */
  #send(): void {
    if (this.#leaseIsOver(monotonicMs())) {
      this.#countExpired(this.#outbox.discard() + this.#hostRoute.discard());
      return;
    }
    this.#outbox.flush();
    this.#hostRoute.flush();
  }

  #leaseIsOver(nowMs: number): boolean {
    return this.#role === 'dispatch' && nowMs >= this.#shared.leaseUntilMs;
  }

  #countExpired(frames: number): void {
    const { counters } = this.#shared;
    counters[Verdict.drop] += frames;
    counters[dropCounter(DropReason.leaseExpired)] += frames;
  }

  #upkeep(nowMs: number): void {
    this.#upkeepMs = nowMs;
    this.#dispatcher.gc(nowMs, UPKEEP_SLOTS);
    let ringDropped = 0;
    let handshakesDropped = 0;
    for (const { ring, handshakes } of this.#taps) {
      ringDropped += ring.statistics().dropped;
      handshakesDropped += handshakes.statistics().dropped;
    }
    this.#figures.ringDropped = ringDropped;
    this.#figures.handshakesDropped = handshakesDropped;
    this.#shared.counters[dropCounter(DropReason.sendFailed)] = this.#outbox.failed + this.#hostRoute.dropped;
  }

  #publish(): void {
    this.#figures.heldFrames = this.#dispatcher.heldCount;
    this.#figures.unrouted = this.#hostRoute.dropped;
    this.#shared.publish(this.#figures, this.#dispatcher.counts);
    this.#shared.publishSenders(this.#outbox.counters);
  }

  #sleep(): void {
    const { wake, onError } = this.#given;
    const ready = this.#poller.poll(IDLE_MS);
    if ((ready & Ready.woken) !== 0) wake.clear();
    if ((ready & Ready.error) === 0) return;
    for (const { ring, handshakes } of this.#taps) {
      // Both rings are told of trouble with their interface; it is one trouble.
      const error = ring.takeError();
      const same = handshakes.takeError();
      if (error !== undefined || same !== undefined) onError(error ?? same);
    }
  }
}
