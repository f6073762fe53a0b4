import type { Address, Announce, Effect, Input, RingState, TimerName } from '../src/index.js';
import {
  createRing,
  creationTime,
  decodePacket,
  encodeAnnounce,
  ENVELOPE_BYTES,
  step,
} from '../src/index.js';

/** What a ring without faults costs each of its members, as `docs/protocol.md` tells it. */
export interface SteadyCost {
  /** Datagrams that a member sends, and receives, in one heartbeat interval. */
  readonly sentPerHeartbeat: number;
  readonly receivedPerHeartbeat: number;
  /** Bytes that a member receives in a second, sealed, with the IPv4 and UDP headers. */
  readonly receivedBytesPerSecond: number;
}

const IP_AND_UDP_BYTES = 28;
const HEARTBEAT_MS = 50;
const LATENCY_MS = 0.05;
/** One whole beacon interval is counted, after two heartbeats in which everything falls into step. */
const WARM_UP_MS = 100;
const MEASURED_MS = 1000;
const CREATED_AT = creationTime(1_700_000_000_000, 1);

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

/** A ring that has long been whole, raised without its joining: members 1, 2, ... with those numbers as ids. */
export class SteadyRing {
  private readonly states: RingState[] = [];
  private readonly timers: Map<TimerName, number>[] = [];
  /** Datagrams all take the same time, so they are in order; timers are few. */
  private datagrams: Event[] = [];
  private nowMs = 0;
  private sent = 0;
  private received = 0;
  private receivedBytes = 0;

  /** @param services bytes that each announcement carries: 4 for the host and 7 for a service */
  constructor(members: number, services = 11) {
    const announcements = Array.from({ length: members }, (_, i) => announcementOf(i + 1, members, services));
    for (const own of announcements) {
      const state = createRing(own);
      Object.assign(state, { phase: 'member', id: own.address, idRing: CREATED_AT, highestId: members });
      Object.assign(state.ring, {
        createdAt: CREATED_AT,
        smallest: 1,
        greatest: members,
        ndn: (own.address % members) + 1,
        nun: ((own.address + members - 2) % members) + 1,
      });
      // Each ticks and beacons at a time of its own, as they do after a real start.
      state.lastBeaconMs = -Math.floor((own.address * 1000) / members);
      for (const other of announcements) if (other !== own) state.roster.note(other, 0);
      if (own.dispatching) state.role = 'dispatcher';
      this.states.push(state);
      this.timers.push(new Map([['tick', (own.address * 7) % HEARTBEAT_MS]]));
    }
  }

  measure(): SteadyCost {
    this.run(WARM_UP_MS);
    this.sent = this.received = this.receivedBytes = 0;
    this.run(WARM_UP_MS + MEASURED_MS);
    const shares = this.states.length * (MEASURED_MS / HEARTBEAT_MS);
    return {
      sentPerHeartbeat: this.sent / shares,
      receivedPerHeartbeat: this.received / shares,
      receivedBytesPerSecond: this.receivedBytes / this.states.length / (MEASURED_MS / 1000),
    };
  }

  /** Every change of phase, role or membership, of which a steady ring has none. */
  readonly changes: string[] = [];

  private run(untilMs: number): void {
    for (;;) {
      const [datagram] = this.datagrams;
      const timer = this.nextTimer();
      const atMs = Math.min(datagram?.atMs ?? Infinity, timer.atMs);
      if (atMs > untilMs) return;
      this.nowMs = atMs;
      if (datagram && datagram.atMs <= timer.atMs) this.deliverAllUntil(timer.atMs);
      else timer.run();
    }
  }

  /** What they cause comes behind them: it is sent later, and takes as long. */
  private deliverAllUntil(endMs: number): void {
    let delivered = 0;
    for (; (this.datagrams[delivered]?.atMs ?? Infinity) <= endMs; delivered++) {
      const { atMs, run } = this.datagrams[delivered] as Event;
      this.nowMs = atMs;
      run();
    }
    this.datagrams = this.datagrams.slice(delivered);
  }

  private nextTimer(): Event {
    let atMs = Infinity;
    let owner = 0;
    this.timers.forEach((timers, index) => {
      const dueMs = timers.get('tick') ?? Infinity;
      if (dueMs < atMs) [atMs, owner] = [dueMs, index];
    });
    return { atMs, run: () => this.input(owner, { kind: 'timer', timer: 'tick', dueMs: atMs, nowMs: atMs }) };
  }

  private input(index: number, input: Input): void {
    for (const effect of step(this.states[index] as RingState, input)) this.apply(index, effect);
  }

  private apply(index: number, effect: Effect): void {
    if (effect.kind === 'send') this.send(index, [effect.to - 1], effect.packet);
    else if (effect.kind === 'broadcast') {
      const others = this.states.map((_, i) => i).filter((i) => i !== index);
      this.send(index, others, effect.packet);
    } else if (effect.kind === 'setTimer') this.timers[index]?.set(effect.timer, effect.atMs);
    else if (effect.kind !== 'clearTimer') this.changes.push(JSON.stringify(effect));
  }

  private send(index: number, to: number[], packet: Uint8Array): void {
    if (!decodePacket(packet).ok) throw new Error('a member sent what it could not read itself');
    const from: Address = index + 1;
    this.sent++;
    const atMs = this.nowMs + LATENCY_MS;
    for (const target of to) {
      this.datagrams.push({ atMs, run: () => this.receive(target, from, packet) });
    }
  }

  private receive(target: number, from: Address, packet: Uint8Array): void {
    this.received++;
    this.receivedBytes += packet.length + ENVELOPE_BYTES + IP_AND_UDP_BYTES;
    this.input(target, { kind: 'packet', from, packet, nowMs: this.nowMs });
  }
}

function announcementOf(address: Address, members: number, services: number): Announce {
  const announce = {
    address,
    createdAt: CREATED_AT,
    joining: false,
    dispatching: address === 1,
    canDispatch: true,
    canServe: true,
    leaving: false,
    newcomer: false,
    id: address,
    highestId: members,
    weight: 1,
    mac: Uint8Array.of(2, 0, 0, 0, 0, address),
    incarnation: 1,
    services: new Uint8Array(services),
  };
  encodeAnnounce(announce);
  return announce;
}
