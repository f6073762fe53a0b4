import type { Address, Effect, Input, Message, RingConfig, RingState, TimerName } from '@ringmaster/ring';
import { createRing, formatIpv4, isDispatching, Sessions, step, toHex } from '@ringmaster/ring';
import type { Random } from '../random.js';
import type { Sabotage } from '../sabotage/sabotage.js';
import type { NodeTraits } from '../scenario/scenario.js';
import { PretendCryptography } from './cryptography.js';
import { Timer } from './timer.js';
import { Daemon } from './daemon.js';
import { Datagram } from './datagram.js';
import { DataPlane } from './dataPlane.js';
import { macOf } from './frames.js';
import { Kernel } from './kernel.js';
import type { Sender, World } from './world.js';

/** A socket's receive buffer holds so many packets while the process stands still. */
const BACKLOG_PACKETS = 400;
/** A timer of a healthy event loop fires up to this much late. */
const TIMER_LATENESS_MS = 1.2;
/** Between the clocks of the host and of the simulation stands a division. */
const CLOCK_ROUNDING_MS = 1e-3;

interface Arrived {
  readonly from: Address;
  readonly datagram: Datagram;
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
  private readonly timers = new Map<TimerName, Timer>();
  private sender: Sender | undefined;
  /** What is sent goes nowhere: the ring is being formed (`formed.ts`). */
  private quiet = false;
  private sentLast = new Datagram(new Uint8Array(0));
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

  /** `quietly`: it says nothing yet, and `join` follows. */
  start(quietly = false): void {
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
    this.quiet = quietly;
    if (!quietly) this.input({ kind: 'command', command: { kind: 'start' }, nowMs: this.localMs });
  }

  /**
   * Goes through the join into a ring of these members, of which each announces itself as given; `assign` gives the id.
   * The next tick is due within a heartbeat interval.
   */
  join(members: readonly Station[], announcements: readonly Message[], assign: Message): void {
    const { heartbeatIntervalMs } = this.state.config;
    const nowMs = this.localMs - this.random.between(0, heartbeatIntervalMs);
    const hear = (from: Address, message: Message): void =>
      this.input({ kind: 'packet', from, packet: NO_BYTES, messages: [message], nowMs });
    this.input({ kind: 'command', command: { kind: 'start' }, nowMs });
    members.forEach(({ address }, i) => {
      if (address !== this.address) hear(address, announcements[i] as Message);
    });
    hear((members[0] === this ? members[1] : members[0])?.address ?? 0, assign);
    this.input({ kind: 'timer', timer: 'join', dueMs: nowMs, nowMs });
    // Who is elected dispatches by now, and still has to say so; the others are known.
    if (!isDispatching(this.state)) this.state.announceBurst = 0;
    this.quiet = false;
  }

  seal(packet: Uint8Array): Datagram | undefined {
    return this.sessions && this.sealedDatagram(this.sessions.seal(packet));
  }

  /** What the session layer answers to a packet by itself. */
  answerTo({ bytes }: Datagram): Datagram | undefined {
    const reply = this.sessions?.receive(bytes, this.localMs).reply;
    return reply && this.sealedDatagram(reply);
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
  arrive(from: Station, datagram: Datagram, unicast: boolean): void {
    if (!this.powered) return;
    if (!this.running) {
      if (unicast) this.world.refuse(this, from);
      return;
    }
    if (!this.paused) this.receive(from.address, datagram);
    else if (this.backlog.length < BACKLOG_PACKETS) this.backlog.push({ from: from.address, datagram });
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
    // The session layer counts its packets from 1.
    this.sender = { station: this, life: this.life, sealed: [0] };
    this.world.senders.set(toHex(epoch), this.sender);
    return new Sessions({ self: this.address, epoch, crypto: this.cryptography });
  }

  /** Of each that leaves, in the order of their counters. */
  private sealedDatagram(sealed: Uint8Array): Datagram {
    const datagram = new Datagram(sealed);
    this.sender?.sealed.push(datagram.fingerprint);
    return datagram;
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
    const packets = (): void => backlog.forEach(({ from, datagram }) => this.receive(from, datagram));
    if (packetsFirst) packets();
    for (const timer of lateTimers) this.fire(timer);
    if (!packetsFirst) packets();
    this.world.stationResumed(this);
  }

  private receive(networkSender: Address, datagram: Datagram): void {
    if (!this.running) return;
    const nowMs = this.localMs;
    if (!this.sessions) {
      const { bytes: packet, messages } = datagram;
      this.input({ kind: 'packet', from: networkSender, packet, messages, nowMs });
      return;
    }
    const result = this.world.openSealed(this, datagram, nowMs);
    if (result.reply) this.world.send(this, networkSender, this.sealedDatagram(result.reply));
    if (result.established !== undefined) this.input({ kind: 'peer', address: result.established, nowMs });
    if (result.deliver) this.input({ kind: 'packet', ...result.deliver, nowMs });
  }

  private input(input: Input): void {
    const { world } = this;
    world.events++;
    const effects = world.sabotage?.step ? this.sabotaged(world.sabotage, input) : step(this.state, input);
    for (const effect of effects) this.apply(effect);
    world.stepped(this, input, effects);
  }

  private sabotaged(sabotage: Sabotage, input: Input): Effect[] {
    const core = (given: Input): Effect[] => step(this.state, given);
    return sabotage.step?.(this, input, core) ?? core(input);
  }

  private apply(effect: Effect): void {
    const { world } = this;
    switch (effect.kind) {
      case 'send':
        if (!this.quiet) world.send(this, effect.to, this.datagramOf(effect.packet));
        return;
      case 'broadcast':
        if (!this.quiet) world.broadcast(this, this.datagramOf(effect.packet));
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

  private datagramOf(packet: Uint8Array): Datagram {
    if (this.sessions) return this.sealedDatagram(this.sessions.seal(packet));
    // Announcements are the same bytes again and again.
    if (this.sentLast.bytes !== packet) this.sentLast = new Datagram(packet);
    return this.sentLast;
  }

  private setTimer(name: TimerName, dueMs: number): void {
    const { world, life } = this;
    const timer = new Timer(this, name, dueMs, life);
    this.timers.set(name, timer);
    const globalMs = (dueMs - this.clockOffsetMs) / (1 + this.traits.drift);
    const atMs = Math.max(world.nowMs, globalMs) + this.random.between(0, TIMER_LATENESS_MS);
    world.queue.add(atMs, timer);
  }

  /** A timer has run down; perhaps it has been set anew since, or the process has ended. */
  expire(timer: Timer): void {
    const { name, life } = timer;
    if (this.life !== life || !this.running || this.timers.get(name) !== timer) return;
    if (this.paused) this.lateTimers.push(name);
    else this.fire(name);
  }

  private fire(name: TimerName): void {
    const timer = this.timers.get(name);
    if (!timer || !this.running || timer.dueMs > this.localMs + CLOCK_ROUNDING_MS) return;
    this.timers.delete(name);
    this.input({ kind: 'timer', timer: name, dueMs: timer.dueMs, nowMs: this.localMs });
  }
}

const NO_BYTES = new Uint8Array(0);

/** An arbitrary date, so that creation times look like real ones. */
export const WALL_EPOCH_MS = 1_700_000_000_000;
