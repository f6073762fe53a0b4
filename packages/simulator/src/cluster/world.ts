import type { DropReason, Verdict } from '@ringmaster/dispatch';
import type { Address, Effect, Input, SessionResult } from '@ringmaster/ring';
import { ID_EVERYBODY } from '@ringmaster/ring';
import { EventQueue } from '../eventQueue.js';
import { Random } from '../random.js';
import type { Sabotage } from '../sabotage/sabotage.js';
import type { Fault, Scenario } from '../scenario/scenario.js';
import { Clients } from './clients.js';
import { beginCalm } from '../scenario/inject.js';
import { Fabric } from './fabric.js';
import { Lan } from './lan.js';
import { Station } from './station.js';

interface Recorded {
  readonly from: Station;
  /** Absent: everybody. */
  readonly to: Station | undefined;
  readonly bytes: Uint8Array;
}

/** Sees everything that happens; changes nothing. */
export interface Observer {
  stepped?(station: Station, input: Input, effects: readonly Effect[]): void;
  /** Before anything happens. */
  attached?(world: World): void;
  /** A datagram leaves a station: `to` is `undefined` for a broadcast. */
  sent?(station: Station, to: Station | undefined, bytes: Uint8Array): void;
  /** A data plane has decided about a client's frame (rewritten by now). */
  judged?(station: Station, frame: Uint8Array, verdict: Verdict, reason: DropReason): void;
  opened?(station: Station, bytes: Uint8Array, result: SessionResult): void;
  died?(station: Station): void;
  resumed?(station: Station): void;
  fault?(fault: Fault): void;
  /** Something else that is worth a line in the story. */
  note?(text: string): void;
}

/** The whole cluster: hosts, the network between them, and virtual time. */
export class World {
  readonly scenario: Scenario;
  readonly queue = new EventQueue();
  readonly lan: Lan;
  readonly fabric: Fabric;
  readonly clients: Clients;
  /** The host number of router and clients in the network. */
  readonly clientHost: number;
  readonly stations: readonly Station[];
  readonly observers: Observer[] = [];
  readonly sabotage: Sabotage | undefined;
  nowMs = 0;
  /** When it ends: known for good once the calm has begun. */
  endMs: number;
  /** Nothing may change any more (invariant 4). */
  calm = false;
  /** Inputs that the cores have taken. */
  events = 0;
  /** Who has drawn which epoch, and in which life. */
  readonly senders = new Map<string, { readonly station: Station; readonly life: number }>();
  /** A fingerprint of each sealed packet, by epoch and counter. */
  private readonly sealedPackets = new Map<string, number>();
  private readonly dispatching = new Set<Station>();
  private conflictMs = -Infinity;
  private readonly byAddress = new Map<Address, Station>();
  private readonly mischief: Random;
  private readonly recorded: Recorded[] = [];
  private serial = 0;

  constructor(scenario: Scenario, sabotage?: Sabotage) {
    this.scenario = scenario;
    this.sabotage = sabotage;
    const { seed, nodes } = scenario;
    this.endMs = scenario.settledMs + scenario.calmMs;
    this.mischief = new Random(seed, 'mischief');
    this.lan = new Lan(this.queue, new Random(seed, 'lan'), nodes.length + 1);
    this.clientHost = nodes.length;
    this.fabric = new Fabric(this);
    this.clients = new Clients(this, new Random(seed, 'clients'));
    this.stations = nodes.map(
      (traits, i) => new Station(this, i, addressOf(i), traits, new Random(seed, `node ${i}`)),
    );
    for (const station of this.stations) this.byAddress.set(station.address, station);
  }

  station(address: Address): Station | undefined {
    return this.byAddress.get(address);
  }

  at(atMs: number, run: () => void): void {
    this.queue.push(atMs, run);
  }

  /** Lets everything happen that is due until the end, or until `stop` says so. */
  run(stop: () => boolean): void {
    const { queue } = this;
    while (queue.nextMs <= this.endMs) {
      const event = queue.pop();
      this.nowMs = event.atMs;
      event.run();
      if (stop()) return;
    }
    this.nowMs = this.endMs;
  }

  /** The cluster has converged, or must have. */
  becalm(): void {
    this.calm = true;
    this.endMs = this.nowMs + this.scenario.calmMs;
    beginCalm(this);
  }

  send(from: Station, to: Address, bytes: Uint8Array): void {
    const target = this.byAddress.get(to);
    this.record(from, target, bytes);
    for (const observer of this.observers) observer.sent?.(from, target, bytes);
    if (!target || target === from) return;
    this.lan.carry(this.nowMs, from.index, target.index, bytes, (arrived) =>
      target.arrive(from, arrived, true),
    );
  }

  broadcast(from: Station, bytes: Uint8Array): void {
    this.record(from, undefined, bytes);
    for (const observer of this.observers) observer.sent?.(from, undefined, bytes);
    for (const target of this.stations) {
      if (target === from) continue;
      this.lan.carry(this.nowMs, from.index, target.index, bytes, (arrived) =>
        target.arrive(from, arrived, false),
      );
    }
  }

  /** The host answers that no process has the port open (R13); that answer travels like any packet. */
  refuse(host: Station, sender: Station): void {
    const { index } = host;
    this.lan.carry(this.nowMs, index, sender.index, NO_BYTES, () => sender.hearRefusal(host.address));
  }

  noteSealed(epoch: string, counter: number, bytes: Uint8Array): void {
    this.sealedPackets.set(`${epoch}/${counter}`, fingerprint(bytes));
  }

  /** Whether exactly these bytes were sealed under that epoch and counter. */
  wasSealed(epoch: string, counter: number, bytes: Uint8Array): boolean {
    return this.sealedPackets.get(`${epoch}/${counter}`) === fingerprint(bytes);
  }

  openSealed(station: Station, bytes: Uint8Array, nowMs: number): SessionResult {
    const sessions = station.sessions;
    if (!sessions) return {};
    const result = this.sabotage?.open?.(station, bytes, nowMs) ?? sessions.receive(bytes, nowMs);
    for (const observer of this.observers) observer.opened?.(station, bytes, result);
    return result;
  }

  /** Keeps account of who dispatches. */
  noteMode(station: Station, dispatches: boolean): void {
    const several = this.dispatching.size > 1;
    if (dispatches) this.dispatching.add(station);
    else this.dispatching.delete(station);
    if (several) this.conflictMs = this.nowMs;
  }

  /** When two dispatched last (R19); `-Infinity`: never. */
  get latestConflictMs(): number {
    return this.dispatching.size > 1 ? this.nowMs : this.conflictMs;
  }

  judged(station: Station, frame: Uint8Array, verdict: Verdict, reason: DropReason): void {
    this.events++;
    for (const observer of this.observers) observer.judged?.(station, frame, verdict, reason);
  }

  stepped(station: Station, input: Input, effects: readonly Effect[]): void {
    for (const observer of this.observers) observer.stepped?.(station, input, effects);
  }

  /** The switch forgets which MAC address is behind which port. */
  forgetMacs(): void {
    this.fabric.forget();
  }

  /** Bytes of no protocol, from everywhere to everybody. */
  makeNoise(count: number): void {
    const { stations, mischief } = this;
    for (let i = 0; i < count; i++) {
      const from = mischief.pick(stations);
      const target = mischief.pick(stations);
      const bytes = mischief.bytes(mischief.whole(0, 120));
      if (this.scenario.sealed) target.arrive(from, bytes, false);
    }
  }

  /** Packets that were recorded come once more, to those who were meant. */
  replay(count: number): void {
    const { recorded, mischief, stations } = this;
    if (!this.scenario.sealed) return;
    for (let i = 0; i < count && recorded.length > 0; i++) {
      const { from, to, bytes } = mischief.pick(recorded);
      (to ?? mischief.pick(stations)).arrive(from, bytes, false);
    }
  }

  /** A broadcast round the ring, and the death of its source while it travels. */
  lastWords(station: Station): void {
    this.say(station);
    this.at(this.nowMs + this.mischief.between(0, 0.5), () => station.kill(false));
  }

  /** How much later than the earliest somebody does what all are to do, less than `mostMs`. */
  anyLagMs(mostMs: number): number {
    return this.mischief.between(0, mostMs);
  }

  anyoneSpeaks(): void {
    this.say(this.mischief.pick(this.stations));
  }

  /** An application message with a number of its own. */
  say(station: Station): void {
    const body = new Uint8Array(4);
    new DataView(body.buffer).setUint32(0, ++this.serial);
    station.say(ID_EVERYBODY, body);
  }

  private record(from: Station, to: Station | undefined, bytes: Uint8Array): void {
    if (!this.scenario.sealed || !this.mischief.chance(0.05)) return;
    if (this.recorded.length < MAX_RECORDED) this.recorded.push({ from, to, bytes });
    else this.recorded[this.mischief.whole(0, MAX_RECORDED - 1)] = { from, to, bytes };
  }

  stationDied(station: Station): void {
    this.noteMode(station, false);
    for (const observer of this.observers) observer.died?.(station);
  }

  stationResumed(station: Station): void {
    for (const observer of this.observers) observer.resumed?.(station);
  }

  faultBegins(fault: Fault): void {
    for (const observer of this.observers) observer.fault?.(fault);
  }

  note(text: string): void {
    for (const observer of this.observers) observer.note?.(text);
  }
}

const MAX_RECORDED = 256;
const NO_BYTES = new Uint8Array(0);

/** 10.0.0.2 and upwards, in the order of the nodes. */
export function addressOf(index: number): Address {
  return 10 * 0x100_0000 + 2 + index;
}

/** FNV-1a. */
function fingerprint(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash >>> 0;
}
