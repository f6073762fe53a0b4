import type { Address, Effect, Input, RingConfig, RingState, TimerName } from '@ringmaster/ring';
import { createRing, formatIpv4, Sessions, step, toHex } from '@ringmaster/ring';
import type { Random } from '../random.js';
import type { NodeTraits } from '../scenario/scenario.js';
import { PretendCryptography } from './cryptography.js';
import { Daemon } from './daemon.js';
import { DataPlane } from './dataPlane.js';
import { macOf } from './frames.js';
import { Kernel } from './kernel.js';
import type { World } from './world.js';

/** A socket's receive buffer holds so many packets while the process stands still. */
const BACKLOG_PACKETS = 400;
/** A timer of a healthy event loop fires up to this much late. */
const TIMER_LATENESS_MS = 1.2;
/** Between the clocks of the host and of the simulation stands a division. */
const CLOCK_ROUNDING_MS = 1e-3;

interface Arrived {
  readonly from: Address;
  readonly bytes: Uint8Array;
}

/**
 * One host with its node: the shell around the real ring core, in virtual time. It does what `transport` and the daemon
 * do - timers, sealing, refusals, one step per input - and what a host does to a process: start, kill, stop, let run.
 */
export class Station {
  readonly world: World;
  readonly index: number;
  readonly address: Address;
  readonly name: string;
  readonly traits: NodeTraits;
  /** The ring core; replaced at each start of the process. */
  state: RingState;
  sessions: Sessions | undefined;
  /** The keys of this host, as its files hold them: they outlive the process. */
  readonly cryptography: PretendCryptography;
  /** The process lives. */
  running = false;
  /** The host is switched on: it refuses datagrams to a port that no process has open. */
  powered = true;
  /** Counts the starts of the process: what was scheduled for an earlier one is void. */
  life = 0;
  pausedUntilMs = 0;
  pausedSinceMs = 0;
  /** Of a pause: only the main thread stands still, the data plane goes on under its lease. */
  stalled = false;
  daemon: Daemon;
  dataPlane: DataPlane;
  /** The host's own; outlives the process. */
  readonly kernel: Kernel;
  /** The one that refusals are heard of, as the daemon's connected socket does (R13). */
  watched: Address = 0;

  private readonly random: Random;
  private readonly clockOffsetMs: number;
  private readonly timers = new Map<TimerName, { readonly dueMs: number }>();
  private epoch = '';
  private sealedCount = 0;
  private backlog: Arrived[] = [];
  private frames: Uint8Array[] = [];
  private lateTimers: TimerName[] = [];

  constructor(world: World, index: number, address: Address, traits: NodeTraits, random: Random) {
    this.world = world;
    this.index = index;
    this.address = address;
    this.name = formatIpv4(address).replace('10.0.', '.');
    this.traits = traits;
    this.random = random;
    this.clockOffsetMs = Math.floor(random.between(0, 1e6));
    this.cryptography = new PretendCryptography(new Map([[0, 1]]), 0, random.uint32());
    this.state = this.freshState();
    this.daemon = new Daemon(this, random);
    this.dataPlane = new DataPlane(this);
    this.kernel = new Kernel(this);
  }

  /** This host's monotonic clock: offset and speed of its own. */
  get localMs(): number {
    return this.clockOffsetMs + this.world.nowMs * (1 + this.traits.drift);
  }

  get paused(): boolean {
    return this.pausedUntilMs > this.world.nowMs;
  }

  /** Whether the ring core takes part: the process lives and is in, or on its way into, a ring. */
  get participates(): boolean {
    return this.running && (this.state.phase === 'member' || this.state.phase === 'joining');
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.powered = true;
    this.life++;
    this.pausedUntilMs = 0;
    this.state = this.freshState();
    this.daemon = new Daemon(this, this.random);
    this.dataPlane = new DataPlane(this);
    this.frames = [];
    this.sessions = this.world.scenario.sealed ? this.newSessions() : undefined;
    this.input({ kind: 'command', command: { kind: 'start' }, nowMs: this.localMs });
  }

  /** The process ends without a word; `silent`: the host is gone as well. */
  kill(silent: boolean): void {
    this.running = false;
    this.powered = !silent;
    if (silent) this.kernel.connections.clear();
    this.frames = [];
    this.timers.clear();
    this.backlog = [];
    this.lateTimers = [];
    this.watched = 0;
    this.world.stationDied(this);
  }

  /** The process stands still; `mainOnly`: its data plane does not. */
  pause(forMs: number, mainOnly = false): void {
    if (!this.running) return;
    const { nowMs } = this.world;
    const untilMs = nowMs + forMs;
    if (untilMs <= this.pausedUntilMs) return;
    if (!this.paused) this.pausedSinceMs = nowMs;
    this.stalled = mainOnly && (!this.paused || this.stalled);
    this.pausedUntilMs = untilMs;
    const { life } = this;
    this.world.queue.push(untilMs, () => {
      if (this.life === life && this.running && this.pausedUntilMs === untilMs) this.resume();
    });
  }

  command(kind: 'start' | 'leave' | 'mapComplete'): void {
    if (!this.running) return;
    const command =
      kind === 'leave' ? ({ kind, reason: 'its service failed' } as const) : ({ kind } as const);
    this.whenAwake(() => this.input({ kind: 'command', command, nowMs: this.localMs }));
  }

  say(destination: number, body: Uint8Array): void {
    if (!this.participates) return;
    const command = { kind: 'send', destination, body } as const;
    this.whenAwake(() => this.input({ kind: 'command', command, nowMs: this.localMs }));
  }

  /** A datagram has come to this host. */
  arrive(from: Station, bytes: Uint8Array, unicast: boolean): void {
    if (!this.powered) return;
    if (!this.running) {
      if (unicast) this.world.refuse(this, from);
      return;
    }
    if (!this.paused) this.receive(from.address, bytes);
    else if (this.backlog.length < BACKLOG_PACKETS) this.backlog.push({ from: from.address, bytes });
  }

  /** A client's frame has come to this host. */
  receiveFrame(frame: Uint8Array): void {
    if (!this.running) return;
    if (!this.paused || this.stalled) this.dataPlane.process(frame);
    else if (this.frames.length < BACKLOG_PACKETS) this.frames.push(frame);
  }

  hearRefusal(address: Address): void {
    if (!this.running || this.watched !== address) return;
    this.whenAwake(() => this.input({ kind: 'refused', address, nowMs: this.localMs }));
  }

  private freshState(): RingState {
    const { world, address, traits } = this;
    const wallOffsetMs = WALL_EPOCH_MS - this.clockOffsetMs + traits.wallSkewMs;
    const config: Partial<RingConfig> = { ...world.scenario.config, wallOffsetMs };
    const self = {
      address,
      mac: macOf(this.index),
      canDispatch: traits.canDispatch,
      canServe: traits.canServe,
      weight: 1,
      services: new Uint8Array(0),
      incarnation: this.random.uint32(),
    };
    return createRing(self, config);
  }

  private newSessions(): Sessions {
    const epoch = this.random.bytes(8);
    this.epoch = toHex(epoch);
    this.sealedCount = 0;
    this.world.senders.set(this.epoch, { station: this, life: this.life });
    return new Sessions({ self: this.address, epoch, crypto: this.cryptography });
  }

  /** The session layer counts its packets from 1, answers to challenges included. */
  private noteSealed(sealed: Uint8Array): void {
    this.sealedCount++;
    this.world.noteSealed(this.epoch, this.sealedCount, sealed);
  }

  private whenAwake(run: () => void): void {
    if (!this.paused) return run();
    const { life } = this;
    this.world.queue.push(this.pausedUntilMs, () => {
      if (this.life === life && this.running) run();
    });
  }

  /** After a pause the event loop sees due timers and received packets; which of them first is chance. */
  private resume(): void {
    const packetsFirst = this.random.chance(0.5);
    const { backlog, lateTimers, frames } = this;
    this.daemon.resumed(this.world.nowMs - this.pausedSinceMs);
    this.frames = [];
    for (const frame of frames) this.dataPlane.process(frame);
    this.backlog = [];
    this.lateTimers = [];
    const packets = (): void => backlog.forEach(({ from, bytes }) => this.receive(from, bytes));
    if (packetsFirst) packets();
    for (const timer of lateTimers) this.fire(timer);
    if (!packetsFirst) packets();
    this.world.stationResumed(this);
  }

  private receive(networkSender: Address, bytes: Uint8Array): void {
    if (!this.running) return;
    const nowMs = this.localMs;
    if (!this.sessions) {
      this.input({ kind: 'packet', from: networkSender, packet: bytes, nowMs });
      return;
    }
    const result = this.world.openSealed(this, bytes, nowMs);
    if (result.reply) {
      this.noteSealed(result.reply);
      this.world.send(this, networkSender, result.reply);
    }
    if (result.established !== undefined) this.input({ kind: 'peer', address: result.established, nowMs });
    if (result.deliver) this.input({ kind: 'packet', ...result.deliver, nowMs });
  }

  private input(input: Input): void {
    const { world } = this;
    world.events++;
    const core = (given: Input): Effect[] => step(this.state, given);
    const effects = world.sabotage?.step?.(this, input, core) ?? core(input);
    for (const effect of effects) this.apply(effect);
    world.stepped(this, input, effects);
  }

  private apply(effect: Effect): void {
    const { world } = this;
    switch (effect.kind) {
      case 'send':
        world.send(this, effect.to, this.sealed(effect.packet));
        return;
      case 'broadcast':
        world.broadcast(this, this.sealed(effect.packet));
        return;
      case 'setTimer':
        this.setTimer(effect.timer, effect.atMs);
        return;
      case 'clearTimer':
        this.timers.delete(effect.timer);
        return;
      case 'downstreamChanged':
        this.watched = effect.to;
        return;
      default:
        this.daemon.handle(effect);
    }
  }

  private sealed(packet: Uint8Array): Uint8Array {
    if (!this.sessions) return packet;
    const sealed = this.sessions.seal(packet);
    this.noteSealed(sealed);
    return sealed;
  }

  private setTimer(name: TimerName, dueMs: number): void {
    const { world, life } = this;
    const timer = { dueMs };
    this.timers.set(name, timer);
    const globalMs = (dueMs - this.clockOffsetMs) / (1 + this.traits.drift);
    const atMs = Math.max(world.nowMs, globalMs) + this.random.between(0, TIMER_LATENESS_MS);
    world.queue.push(atMs, () => {
      if (this.life !== life || !this.running || this.timers.get(name) !== timer) return;
      if (this.paused) this.lateTimers.push(name);
      else this.fire(name);
    });
  }

  private fire(name: TimerName): void {
    const timer = this.timers.get(name);
    if (!timer || !this.running || timer.dueMs > this.localMs + CLOCK_ROUNDING_MS) return;
    this.timers.delete(name);
    this.input({ kind: 'timer', timer: name, dueMs: timer.dueMs, nowMs: this.localMs });
  }
}

/** An arbitrary date, so that creation times look like real ones. */
const WALL_EPOCH_MS = 1_700_000_000_000;
