import { ConnectionState } from '@ringmaster/dispatch';
import type { Address } from '@ringmaster/ring';
import { IpProtocol } from 'libnetraw/wire';
import type { Random } from '../random.js';
import { CLIENT_ADDRESS, CLUSTER_ADDRESS, SERVICE_PORT } from './frames.js';
import type { TcpState } from './kernel.js';
import type { Station } from './station.js';

/** What the kernel calls a connection, as the connection map has it. */
const STATES: Record<TcpState, ConnectionState> = {
  synReceived: ConnectionState.halfOpen,
  established: ConnectionState.established,
  closing: ConnectionState.closing,
};

/** Packets of an exchange that must all come through within the time for the acceptance. */
const DECISIVE_PACKETS = 4;

/** As the daemon has them. */
const ATTEMPTS = 3;
const RETRY_MS = 20;

/**
 * Rebuilding the connection map, step for step as the daemon does it: everybody is asked at once, three times if need
 * be; unknown packets are held meanwhile, looked at again with each answer, and let go when all have answered or the
 * broadcast timeout has passed. Questions may overlap; answers to an earlier term's no longer count.
 */
export class Rebuild {
  /** Members that could not be asked, or not in time: of their connections nothing can be expected. */
  readonly excused = new Set<Address>();
  private readonly station: Station;
  private readonly random: Random;
  private readonly open = new Map<Address, number>();
  private term = 0;
  private holding = false;
  private holds = 0;

  constructor(station: Station, random: Random) {
    this.station = station;
    this.random = random;
  }

  /** Asks these members; `done` hears whether all who are still there have answered. */
  run(members: readonly Address[], hold: boolean, done: (complete: boolean) => void): void {
    if (members.length === 0) return done(true);
    if (hold && this.station.world.sabotage?.hold?.() !== false) this.startHolding();
    const { term } = this;
    let left = members.length;
    let complete = true;
    for (const member of members) {
      this.open.set(member, (this.open.get(member) ?? 0) + 1);
      this.ask(member, 1, (answered) => {
        complete &&= answered;
        left--;
        if (term === this.term) this.settle(member);
        if (left === 0) done(complete);
      });
    }
  }

  /** As the daemon's: what is held is the caller's from here on. */
  cancel(): void {
    this.term++;
    this.open.clear();
    this.excused.clear();
    this.holding = false;
  }

  private startHolding(): void {
    this.holding = true;
    const hold = ++this.holds;
    this.station.dataPlane.hold(true);
    this.later(this.station.state.config.broadcastTimeoutMs, () => {
      if (this.holds !== hold || !this.holding) return;
      for (const member of this.open.keys()) this.excused.add(member);
      this.release();
    });
  }

  private release(): void {
    this.holding = false;
    this.station.dataPlane.hold(false);
  }

  private settle(member: Address): void {
    const left = (this.open.get(member) ?? 1) - 1;
    if (left > 0) this.open.set(member, left);
    else this.open.delete(member);
    if (!this.holding) return;
    if (this.open.size === 0) this.release();
    else this.station.dataPlane.lookAgain();
  }

  private ask(member: Address, attempt: number, done: (answered: boolean) => void): void {
    const { station } = this;
    this.attempt(member, (answered) => {
      if (answered || station.state.roster.get(member)?.active !== true) return done(true);
      this.excused.add(member);
      if (attempt === ATTEMPTS) return done(false);
      this.later(RETRY_MS, () => this.ask(member, attempt + 1, done));
    });
  }

  /** One question over TCP. Its packets are not simulated one by one: it comes about, or fails when the time is up. */
  private attempt(member: Address, settled: (answered: boolean) => void): void {
    const { station, random } = this;
    const { world } = station;
    if (world.sabotage?.ask?.(station, member) === false) return settled(true);
    const target = world.station(member);
    const oneWayMs = random.between(0.2, 1) + (target === station ? 0 : world.lan.delayMs);
    const acceptTimeoutMs = station.state.config.broadcastTimeoutMs;
    const timeOut = (): void => this.later(acceptTimeoutMs, () => settled(false));
    if (target !== station && !this.reaches(target, oneWayMs)) return timeOut();
    if (!target?.running) return this.later(2 * oneWayMs, () => settled(false));
    const wakesInMs = target.stalled ? 0 : Math.max(0, target.pausedUntilMs - world.nowMs);
    if (wakesInMs + 4 * oneWayMs > acceptTimeoutMs) return timeOut();
    this.later(wakesInMs + 3 * oneWayMs, () => {
      if (!target.running) return settled(false);
      const rows = [...target.kernel.connections];
      this.later(oneWayMs + random.between(0, 3), () => {
        this.excused.delete(member);
        this.enter(member, rows);
        settled(true);
      });
    });
  }

  /** Whether a TCP exchange with `target` comes about in time: a lost packet is repeated too late. */
  private reaches(target: Station | undefined, oneWayMs: number): boolean {
    const { station, random } = this;
    const { lan } = station.world;
    if (!target?.powered || 4 * oneWayMs > station.state.config.broadcastTimeoutMs) return false;
    if (!lan.hears(station.index, target.index) || !lan.hears(target.index, station.index)) return false;
    return !random.chance(1 - (1 - lan.lossNow) ** DECISIVE_PACKETS);
  }

  private enter(member: Address, rows: readonly (readonly [number, TcpState])[]): void {
    const { world, dataPlane } = this.station;
    const { dispatcher } = dataPlane;
    const server = world.sabotage?.reporter?.(this.station, member) ?? member;
    const nowMs = Math.floor(this.station.localMs);
    for (const [port, state] of rows) {
      dispatcher.enter(
        {
          serverAddress: server,
          clusterAddress: CLUSTER_ADDRESS,
          clientAddress: CLIENT_ADDRESS,
          clientPort: port,
          port: SERVICE_PORT,
          protocol: IpProtocol.tcp,
          state: STATES[state],
        },
        nowMs,
      );
    }
  }

  /** Unless the process has ended or the term is over. */
  private later(ms: number, run: () => void): void {
    const { station, term } = this;
    const { world, life } = station;
    world.at(world.nowMs + ms, () => {
      if (this.term === term && station.life === life && station.running) run();
    });
  }
}
