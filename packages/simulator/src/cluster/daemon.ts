import type { ServerInfo } from '@ringmaster/dispatch';
import type { Address, Effect } from '@ringmaster/ring';
import { isDispatching } from '@ringmaster/ring';
import type { Random } from '../random.js';
import { Rebuild } from './rebuild.js';
import type { Station } from './station.js';

/** As the daemon has them: after a takeover, and then for ever. */
const BURST_DELAYS_MS = [20, 100, 400, 1000, 2000];
const REFRESH_MS = 5000;
const STRAY_MS = 3000;
const STRAY_HOLD_MS = 40;
const PREPARE_AGAIN_MS = 200;
const LOOK_AFTER_MS = [150, 250, 600, 1500, 2500, 5000, 10_000, 20_000, 60_000];
const LEASE_RENEWAL_MS = 20;

/**
 * What the daemon makes of the ring's decisions (`packages/node`, dispatching.ts), in virtual time: take over with
 * holding and asking, prepare as a candidate, step down into passing strays on, announce, renew the lease.
 */
export class Daemon {
  readonly rebuild: Rebuild;
  private readonly station: Station;
  private dispatching = false;
  /** Voids the timers of an earlier takeover or step down. */
  private era = 0;
  private leaseRefusedUntilMs = 0;
  /** When a member was found to be gone, last. */
  latestLossMs = -Infinity;
  /** Voids the looks that an earlier takeover or loss has planned. */
  private looks = 0;

  constructor(station: Station, random: Random) {
    this.station = station;
    this.rebuild = new Rebuild(station, random);
  }

  /** Whether the data plane may dispatch: its main thread has given a sign of life within the lease. */
  get leaseHolds(): boolean {
    const { station } = this;
    const { nowMs } = station.world;
    if (nowMs < this.leaseRefusedUntilMs) return false;
    return !station.paused || nowMs - station.pausedSinceMs < this.leaseMs;
  }

  handle(effect: Effect): void {
    switch (effect.kind) {
      case 'roleChanged':
        if (effect.role === 'candidate') this.prepare();
        else if (isDispatching(this.station.state)) this.takeOver();
        else this.stepDown();
        return;
      case 'membershipChanged':
        this.updateServers();
        if (effect.change === 'joined') this.askNewcomer(effect.member);
        if (effect.change === 'inactive') this.memberLost();
        return;
      case 'phaseChanged':
        this.updateServers();
        return;
      case 'reassert':
        this.announce();
        // What the other one has given to servers in its last moments is not known here.
        this.rebuild.run(this.everybody(), true, () => undefined);
        return;
      default:
        return;
    }
  }

  /** Awake again: a renewal that comes too late is refused once. */
  resumed(sleptMs: number): void {
    if (sleptMs >= this.leaseMs) this.leaseRefusedUntilMs = this.station.world.nowMs + LEASE_RENEWAL_MS;
  }

  private get leaseMs(): number {
    const { communicationTimeoutMs, heartbeatIntervalMs } = this.station.state.config;
    return communicationTimeoutMs - heartbeatIntervalMs;
  }

  private prepare(): void {
    const { station } = this;
    this.makeDispatcher();
    this.rebuild.run(this.everybody(), false, (complete) => {
      if (station.state.role !== 'candidate') return;
      if (!complete) {
        this.later(PREPARE_AGAIN_MS, () => station.state.role === 'candidate' && this.prepare());
        return;
      }
      // The data plane first, then the other dispatcher: no frame finds nobody.
      this.startDataPlane();
      station.command('mapComplete');
    });
  }

  private takeOver(): void {
    if (this.dispatching) return;
    this.dispatching = true;
    this.era++;
    this.makeDispatcher();
    this.startDataPlane();
    this.announce();
    const { unknownDrops } = this.station.dataPlane;
    this.rebuild.run(this.everybody(), true, () => this.planLook(0, unknownDrops, ++this.looks));
  }

  private startDataPlane(): void {
    const { dataPlane } = this.station;
    this.leaseRefusedUntilMs = 0;
    dataPlane.hold(this.station.world.sabotage?.hold?.() !== false);
    dataPlane.setMode('dispatch');
  }

  /** Everybody is asked once more, and again when packets were unknown since. */
  private planLook(look: number, unknownBefore: number, looks: number): void {
    this.later(LOOK_AFTER_MS[Math.min(look, LOOK_AFTER_MS.length - 1)] as number, () => {
      if (looks !== this.looks) return;
      const { unknownDrops } = this.station.dataPlane;
      this.planLook(look + 1, unknownDrops, looks);
      if (look === 0 || unknownDrops !== unknownBefore)
        this.rebuild.run(this.everybody(), true, () => undefined);
    });
  }

  private stepDown(): void {
    const { station } = this;
    const dispatched = this.dispatching;
    this.dispatching = false;
    this.era++;
    this.rebuild.cancel();
    if (!dispatched || station.state.phase !== 'member') {
      station.dataPlane.setMode('off');
      station.dataPlane.hold(false);
      return;
    }
    station.dataPlane.setMode('stray');
    station.dataPlane.hold(true);
    this.later(STRAY_HOLD_MS, () => station.dataPlane.hold(false));
    this.later(STRAY_MS, () => station.dataPlane.setMode('off'));
  }

  private memberLost(): void {
    const { station } = this;
    this.latestLossMs = station.world.nowMs;
    if (isDispatching(station.state)) this.planLook(0, station.dataPlane.unknownDrops, ++this.looks);
  }

  private askNewcomer(member: Address): void {
    const dispatches = isDispatching(this.station.state);
    if (dispatches || this.station.state.role === 'candidate')
      this.rebuild.run([member], dispatches, () => undefined);
  }

  private makeDispatcher(): void {
    const { dataPlane } = this.station;
    dataPlane.dispatcher.setMode(dataPlane.mode);
    this.updateServers();
  }

  private updateServers(): void {
    this.station.dataPlane.setServers(() => this.serverTable());
  }

  /** As the daemon's `serverTable`. */
  private serverTable(): ServerInfo[] {
    const { state } = this.station;
    const { self } = state;
    const inRing = state.phase === 'member' || state.phase === 'joining';
    const own: ServerInfo = {
      address: self.address,
      mac: self.mac,
      weight: self.weight,
      active: self.canServe && !state.leaving && inRing,
      local: true,
    };
    const others = state.roster.all().map(({ address, mac, weight, active, canServe, leaving }) => ({
      address,
      mac,
      weight,
      active: active && canServe && !leaving,
      local: false,
    }));
    return [own, ...others];
  }

  private everybody(): Address[] {
    const { ring, roster } = this.station.state;
    return [ring.self, ...roster.all().flatMap((m) => (m.active ? [m.address] : []))];
  }

  private announce(): void {
    const { station } = this;
    const send = (): void => station.world.fabric.announce(station);
    send();
    for (const ms of BURST_DELAYS_MS) this.later(ms, send);
    const refresh = (): void => {
      send();
      this.later(REFRESH_MS, refresh);
    };
    this.later(REFRESH_MS, refresh);
  }

  private later(ms: number, run: () => void): void {
    const { station, era } = this;
    const { life } = station;
    station.world.at(station.world.nowMs + ms, () => {
      if (this.era === era && station.life === life && station.running) run();
    });
  }
}
