import type { DropReason, Verdict } from '@ringmaster/dispatch';
import type { Address, Effect, Input, SessionResult } from '@ringmaster/ring';
import { ID_EVERYBODY } from '@ringmaster/ring';
import { EventQueue } from '../eventQueue.js';
import { Random } from '../random.js';
import type { Sabotage } from '../sabotage/sabotage.js';
import type { Fault, Scenario } from '../scenario/scenario.js';
import { Clients } from './clients.js';
import { beginCalm } from '../scenario/inject.js';
import { Datagram, Delivery, Flood } from './datagram.js';
import { Fabric } from './fabric.js';
import { Lan } from './lan.js';
import { Station } from './station.js';

interface Recorded {
  readonly from: Station;
  /** Absent: everybody. */
  readonly to: Station | undefined;
  readonly datagram: Datagram;
}

/** One life of a station's process, as the others see it: by its epoch. */
export interface Sender {
  readonly station: Station;
  readonly life: number;
  /** A fingerprint of each packet that it has sealed, by counter. */
  readonly sealed: number[];
}

/** Sees everything that happens; changes nothing. */
export interface Observer {
  /** A core has taken an input; not shown is a packet that had no effects. */
  stepped?(station: Station, input: Input, effects: readonly Effect[]): void;
  /** Before anything happens. */
  attached?(world: World): void;
  /** A data plane has decided about a client's frame (rewritten by now). */
  judged?(station: Station, frame: Uint8Array, verdict: Verdict, reason: DropReason): void;
  opened?(station: Station, datagram: Datagram, result: SessionResult): void;
  died?(station: Station): void;
  resumed?(station: Station): void;
  fault?(fault: Fault): void;
  /** Something else that is worth a line in the story. */
  note?(text: string): void;
}

type Stepper = Observer & Required<Pick<Observer, 'stepped'>>;
type Opener = Observer & Required<Pick<Observer, 'opened'>>;

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
  /** Those of them that look at every step: nearly all that happens are steps. */
  private watching: Stepper[] = [];
  private openers: Opener[] = [];
  readonly sabotage: Sabotage | undefined;
  nowMs = 0;
  /** When it ends: known for good once the calm has begun. */
  endMs: number;
  /** Nothing may change any more (invariant 4). */
  calm = false;
  /** Inputs that the cores have taken. */
  events = 0;
  /** Who has drawn which epoch, and in which life. */
  readonly senders = new Map<string, Sender>();
  private readonly dispatching = new Set<Station>();
  /** Who has dispatched while another did. */
  readonly rivals = new Set<Station>();
  private conflictMs = -Infinity;
  private conflictEchoMs = -Infinity;
  private readonly byAddress = new Map<Address, Station>();
  /** Neighbours in the order of addresses hang on one switch. */
  private readonly groups: Station[][] = [];
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
    for (let i = 0; i < nodes.length; i += FLOODED_FROM)
      this.groups.push(this.stations.slice(i, i + FLOODED_FROM));
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
    this.watching = this.observers.filter((o): o is Stepper => o.stepped !== undefined);
    this.openers = this.observers.filter((o): o is Opener => o.opened !== undefined);
    while (queue.nextMs <= this.endMs) {
      this.nowMs = queue.nextMs;
      queue.pop().run();
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

  send(from: Station, to: Address, datagram: Datagram): void {
    const target = this.byAddress.get(to);
    this.record(from, target, datagram);
    if (!target || target === from) return;
    this.lan.carry(this.nowMs, from.index, target.index, new Delivery(from, target, datagram, true));
  }

  broadcast(from: Station, datagram: Datagram): void {
    this.record(from, undefined, datagram);
    const { stations, lan, nowMs } = this;
    if (stations.length > FLOODED_FROM && lan.orderly) {
      for (const group of this.groups)
        lan.flood(nowMs, from.index, group, (reached) => new Flood(from, reached, datagram));
      return;
    }
    for (const target of stations) {
      if (target === from) continue;
      this.lan.carry(this.nowMs, from.index, target.index, new Delivery(from, target, datagram, false));
    }
  }

  /** The host answers that no process has the port open (R13); that answer travels like any packet. */
  refuse(host: Station, sender: Station): void {
    const { index } = host;
    this.lan.carry(this.nowMs, index, sender.index, { run: () => sender.hearRefusal(host.address) });
  }

  openSealed(station: Station, datagram: Datagram, nowMs: number): SessionResult {
    const { sessions } = station;
    const { bytes } = datagram;
    if (!sessions) return {};
    const result =
      this.sabotage?.open?.(station, bytes, nowMs) ?? sessions.receiveEnvelope(datagram.envelope, nowMs);
    for (const observer of this.openers) observer.opened(station, datagram, result);
    return result;
  }

  /** Keeps account of who dispatches. */
  noteMode(station: Station, dispatches: boolean): void {
    const several = this.dispatching.size > 1;
    if (dispatches) this.dispatching.add(station);
    else this.dispatching.delete(station);
    if (!several) return;
    for (const each of this.dispatching) this.rivals.add(each);
    this.rivals.add(station);
    this.conflictMs = this.nowMs;
    this.conflictEchoMs = Math.max(this.nowMs, this.lan.latestArrivalMs);
  }

  /** When two dispatched last (R19); `-Infinity`: never. */
  get latestConflictMs(): number {
    return this.dispatching.size > 1 ? this.nowMs : this.conflictMs;
  }

  /** When all has arrived that was on its way then. */
  get latestConflictEchoMs(): number {
    return this.dispatching.size > 1 ? this.nowMs : this.conflictEchoMs;
  }

  judged(station: Station, frame: Uint8Array, verdict: Verdict, reason: DropReason): void {
    this.events++;
    for (const observer of this.observers) observer.judged?.(station, frame, verdict, reason);
  }

  stepped(station: Station, input: Input, effects: readonly Effect[]): void {
    if (effects.length === 0 && input.kind === 'packet') return;
    for (const observer of this.watching) observer.stepped(station, input, effects);
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
      const datagram = new Datagram(mischief.bytes(mischief.whole(0, 120)));
      if (this.scenario.sealed) target.arrive(from, datagram, false);
    }
  }

  /** Packets that were recorded come once more, to those who were meant. */
  replay(count: number): void {
    const { recorded, mischief, stations } = this;
    if (!this.scenario.sealed) return;
    for (let i = 0; i < count && recorded.length > 0; i++) {
      const { from, to, datagram } = mischief.pick(recorded);
      (to ?? mischief.pick(stations)).arrive(from, datagram, false);
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

  private record(from: Station, to: Station | undefined, datagram: Datagram): void {
    if (!this.scenario.sealed || !this.mischief.chance(0.05)) return;
    if (this.recorded.length < MAX_RECORDED) this.recorded.push({ from, to, datagram });
    else this.recorded[this.mischief.whole(0, MAX_RECORDED - 1)] = { from, to, datagram };
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
/** In a larger cluster a broadcast comes to hosts in groups of this many, each group at one moment. */
const FLOODED_FROM = 16;

/**
 * 10.0.0.1 and upwards, in the order of the nodes: the hosts of a network of 256 addresses, each with an id of its own. (With
 * 10.0.0.255, which is none, ids are given to two in one ring now and then, seed 32000063: ADR 11.)
 */
export function addressOf(index: number): Address {
  return 10 * 0x100_0000 + 1 + index;
}
