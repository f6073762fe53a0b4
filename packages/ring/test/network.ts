import type { Address, Effect, Input, RingConfig, RingState, RoleRules, TimerName } from '../src/index.js';
import {
  createRing,
  decodePacket,
  dispatcherOf,
  formatIpv4,
  isMaster,
  MessageType,
  parseIpv4,
  step,
} from '../src/index.js';

/** A small LAN in virtual time for the golden scripts: the real core, instant timers, 0.1 ms a packet. */
const LATENCY_MS = 0.1;

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

interface Station {
  readonly state: RingState;
  alive: boolean;
  pausedUntilMs: number;
  readonly timers: Map<TimerName, number>;
  incarnation: number;
}

const TYPE_NAMES = new Map<number, string>(Object.entries(MessageType).map(([name, code]) => [code, name]));
const QUIET = new Set<number>([MessageType.heartbeat, MessageType.alive]);

export class Network {
  nowMs = 1000;
  readonly log: string[] = [];
  trace = false;
  private readonly stations = new Map<Address, Station>();
  private queue: Event[] = [];
  private order = 0;
  /** Pairs that cannot hear each other: "from>to". */
  private readonly blocked = new Set<string>();

  start(name: string, config: Partial<RingConfig> = {}, traits: Partial<RingState['self']> = {}): RingState {
    const address = addressOf(name);
    const incarnation = (this.stations.get(address)?.incarnation ?? 0) + 1;
    const self = {
      address,
      mac: Uint8Array.of(2, 0, 0, 0, 0, address & 255),
      canDispatch: true,
      canServe: true,
      weight: 1,
      services: new Uint8Array(0),
      incarnation,
      ...traits,
    };
    const state = createRing(self, { wallOffsetMs: 1_700_000_000_000, ...config });
    this.stations.set(address, { state, alive: true, pausedUntilMs: 0, timers: new Map(), incarnation });
    this.input(address, { kind: 'command', command: { kind: 'start' }, nowMs: this.nowMs });
    return state;
  }

  state(name: string): RingState {
    return this.station(name).state;
  }

  command(name: string, kind: 'leave' | 'mapComplete' | 'start'): void {
    const command = kind === 'leave' ? ({ kind, reason: 'asked' } as const) : ({ kind } as const);
    this.input(addressOf(name), { kind: 'command', command, nowMs: this.nowMs });
  }

  describe(name: string, change: Partial<RingState['self']>): void {
    this.input(addressOf(name), {
      kind: 'command',
      command: { kind: 'describe', change },
      nowMs: this.nowMs,
    });
  }

  configure(name: string, change: Partial<RoleRules>): void {
    this.input(addressOf(name), {
      kind: 'command',
      command: { kind: 'configure', change },
      nowMs: this.nowMs,
    });
  }

  say(name: string, destination: number, text: string): void {
    const body = Uint8Array.from(text, (c) => c.charCodeAt(0));
    this.input(addressOf(name), {
      kind: 'command',
      command: { kind: 'send', destination, body },
      nowMs: this.nowMs,
    });
  }

  inject(name: string, from: string, packet: Uint8Array): void {
    this.input(addressOf(name), { kind: 'packet', from: addressOf(from), packet, nowMs: this.nowMs });
  }

  /** kill -9: the port is closed, the host answers "refused". `silent`: the host is gone as well. */
  kill(name: string, silent = false): void {
    const station = this.station(name);
    station.alive = false;
    station.timers.clear();
    if (silent)
      this.cut(
        [name],
        this.names().filter((n) => n !== name),
      );
  }

  pause(name: string, ms: number): void {
    this.station(name).pausedUntilMs = this.nowMs + ms;
  }

  cut(one: string[], other: string[]): void {
    for (const a of one) {
      for (const b of other) {
        this.blocked.add(`${addressOf(a)}>${addressOf(b)}`);
        this.blocked.add(`${addressOf(b)}>${addressOf(a)}`);
      }
    }
  }

  heal(): void {
    this.blocked.clear();
  }

  run(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      this.queue.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const next = this.queue[0];
      if (!next || next.atMs > endMs) break;
      this.queue.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }

  names(): string[] {
    return [...this.stations.keys()].sort((a, b) => a - b).map(shortName);
  }

  /** One line a member: the seven variables and what follows from them. */
  show(): string[] {
    return [...this.stations.entries()]
      .sort(([a], [b]) => a - b)
      .map(([address, { state, alive }]) => {
        if (!alive) return `${shortName(address)} dead`;
        const { ring } = state;
        const members = state.roster.all().filter((m) => m.active).length + 1;
        return (
          `${shortName(address)} ${state.phase} ${state.role} id=${state.id} nun=${shortName(ring.nun)} ndn=${shortName(ring.ndn)} ` +
          `smallest=${shortName(ring.smallest)} greatest=${shortName(ring.greatest)} members=${members} ` +
          `dispatcher=${shortName(dispatcherOf(state))}${isMaster(state) ? ' master' : ''}`
        );
      });
  }

  /** What each member thinks of each other's weight and capabilities. */
  descriptions(): string[] {
    return this.names().map((name) => {
      const others = this.state(name)
        .roster.all()
        .map(({ address, weight, canDispatch, canServe }) => {
          const traits = `${canDispatch ? ' dispatch' : ''}${canServe ? ' serve' : ''}`;
          return `${shortName(address)} weight ${weight}${traits}`;
        });
      return `${name} knows ${others.join(', ')}`;
    });
  }

  creationTimes(): number[] {
    return [...this.stations.values()].filter((s) => s.alive).map((s) => s.state.ring.createdAt);
  }

  private station(name: string): Station {
    const station = this.stations.get(addressOf(name));
    if (!station) throw new Error(`no station ${name}`);
    return station;
  }

  private input(address: Address, input: Input): void {
    const station = this.stations.get(address);
    if (!station?.alive) return;
    for (const effect of step(station.state, input)) this.apply(address, station, effect);
  }

  private at(atMs: number, run: () => void): void {
    this.queue.push({ atMs, order: this.order++, run });
  }

  private apply(address: Address, station: Station, effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        this.note(address, shortName(effect.to), effect.packet);
        this.deliver(address, effect.to, effect.packet);
        return;
      case 'broadcast':
        this.note(address, '*', effect.packet);
        for (const to of this.stations.keys())
          if (to !== address) this.deliver(address, to, effect.packet, true);
        return;
      case 'setTimer':
        station.timers.set(effect.timer, effect.atMs);
        this.at(effect.atMs, () => this.fire(address, station, effect.timer, effect.atMs));
        return;
      case 'clearTimer':
        station.timers.delete(effect.timer);
        return;
      case 'phaseChanged':
        this.write(address, `is ${effect.phase}: ${effect.reason}`);
        return;
      case 'roleChanged':
        this.write(address, `becomes ${effect.role}: ${effect.reason}`);
        return;
      case 'membershipChanged':
        this.write(address, `sees ${shortName(effect.member)} ${effect.change}: ${effect.reason}`);
        return;
      case 'reassert':
        this.write(address, `reasserts: ${effect.reason}`);
        return;
      case 'application':
        this.write(address, `hears from id ${effect.source}: ${String.fromCharCode(...effect.body)}`);
        return;
      case 'left':
        this.write(address, 'has left');
        return;
      case 'downstreamChanged':
        return;
    }
  }

  private fire(address: Address, station: Station, timer: TimerName, dueMs: number): void {
    if (!station.alive || this.stations.get(address) !== station || station.timers.get(timer) !== dueMs)
      return;
    if (station.pausedUntilMs > this.nowMs) {
      this.at(station.pausedUntilMs, () => this.fire(address, station, timer, dueMs));
      return;
    }
    station.timers.delete(timer);
    this.input(address, { kind: 'timer', timer, dueMs, nowMs: this.nowMs });
  }

  private deliver(from: Address, to: Address, packet: Uint8Array, toAll = false): void {
    this.at(this.nowMs + LATENCY_MS, () => {
      const station = this.stations.get(to);
      if (!station || this.blocked.has(`${from}>${to}`)) return;
      if (!station.alive) {
        if (!toAll) {
          this.at(this.nowMs + LATENCY_MS, () =>
            this.input(from, { kind: 'refused', address: to, nowMs: this.nowMs }),
          );
        }
        return;
      }
      const arrive = (): void => this.input(to, { kind: 'packet', from, packet, nowMs: this.nowMs });
      if (station.pausedUntilMs > this.nowMs) this.at(station.pausedUntilMs + LATENCY_MS, arrive);
      else arrive();
    });
  }

  private note(from: Address, to: string, packet: Uint8Array): void {
    if (!this.trace) return;
    const decoded = decodePacket(packet);
    if (!decoded.ok) return;
    const names = decoded.messages
      .filter((m) => !QUIET.has(m.type))
      .map((m) => TYPE_NAMES.get(m.type) ?? 'unknown');
    if (names.length > 0) this.write(from, `-> ${to} ${names.join('+')}`);
  }

  private write(address: Address, text: string): void {
    this.log.push(`${this.nowMs.toFixed(1)} ${shortName(address)} ${text}`);
  }
}

/** ".4" is 192.168.1.4; "none" is no address. */
export function shortName(address: Address): string {
  return address === 0 ? 'none' : formatIpv4(address).replace('192.168.1.', '.');
}

function addressOf(name: string): Address {
  const address = parseIpv4(name.startsWith('.') ? `192.168.1${name}` : name);
  if (address === undefined) throw new Error(`no address: ${name}`);
  return address;
}
