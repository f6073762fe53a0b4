import type { RingEvent } from '@ringmaster/transport';
import { isDispatching } from '@ringmaster/ring';
import { monotonicMs } from '../dataplane/index.js';
import {
  LEASE_RENEWAL_MS,
  logMember,
  passServers,
  startDispatching,
  type DispatchingParts,
} from './dispatchingParts.js';
import { activeHosts, hostOf, MemberNames } from './hosts.js';
import { Looks } from './looks.js';

/** Frames may arrive for this long at a dispatcher that has handed over: switches and queues are not instant. */
const STRAY_MS = 3000;
/** What is passed on waits this long, until the new dispatcher has told the switches where the virtual MAC is. */
const STRAY_HOLD_MS = 40;
/** A candidate whose map is not complete asks everybody again after this time (R19: only with a complete map). */
const PREPARE_AGAIN_MS = 200;
/**
 * Turns what the ring decides into dispatching (docs/rules.md, Failover): take over, rebuild the connection map, step down.
 *
 * The data plane dispatches under a lease that the main thread renews: a process that was stopped wakes up with the
 * lease over, and forwards nothing until the ring has told it what it is now (R14).
 */
export class Dispatching {
  private readonly parts: DispatchingParts;
  private readonly names = new MemberNames();
  private strayTimers: NodeJS.Timeout[] = [];
  private again: NodeJS.Timeout | undefined;
  private readonly looks: Looks;
  private readonly lease: NodeJS.Timeout;
  /** The data plane's role is to dispatch; a change between `dispatcher` and `standalone` is none to it. */
  private dispatchingAlready = false;

  constructor(parts: DispatchingParts) {
    this.parts = parts;
    this.lease = setInterval(() => this.renewLease(), LEASE_RENEWAL_MS);
    this.looks = new Looks({
      dataPlane: parts.dataPlane,
      isWanted: () => this.dispatches,
      ask: (missed) => {
        if (missed) parts.logger.info('packets of unknown connections: asking everybody again');
        void parts.rebuild.run(this.everybody(), { hold: true });
      },
    });
  }

  handle(event: RingEvent): void {
    const { logger, announcer } = this.parts;
    switch (event.kind) {
      case 'roleChanged':
        logger.info(`this node is ${event.role} now`, { reason: event.reason });
        this.changeRole(event.role);
        return;
      case 'membershipChanged':
        this.membershipChanged(event);
        return;
      case 'phaseChanged':
        logger.info(`ring: ${event.phase}`, { reason: event.reason });
        this.updateServers();
        return;
      case 'reassert':
        logger.info('announcing the cluster addresses again', { reason: event.reason });
        announcer.start();
        // What the other one gave to servers in its last moments is not in this map.
        void this.parts.rebuild.run(this.everybody(), { hold: true });
        return;
      case 'application':
      case 'left':
        return;
    }
  }

  /** One dispatcher has all clients. */
  get sharePercent(): undefined {
    return undefined;
  }

  close(): void {
    clearInterval(this.lease);
    for (const timer of this.strayTimers) clearTimeout(timer);
    clearTimeout(this.again);
    this.looks.stop();
    this.parts.announcer.stop();
    this.parts.rebuild.cancel();
  }

  private get dispatches(): boolean {
    return isDispatching(this.parts.driver.state);
  }

  private changeRole(role: string): void {
    if (role === 'candidate') this.prepare();
    else if (this.dispatches) this.takeOver();
    else this.stepDown();
  }

  /** Hitless takeover, first half: learn every connection while the present dispatcher goes on (R19). */
  private prepare(): void {
    const { driver, rebuild, logger } = this.parts;
    this.updateServers();
    void rebuild.run(this.everybody(), { hold: false }).then(async (complete) => {
      if (driver.state.role !== 'candidate') return;
      if (!complete) {
        logger.warn('connection map not complete, asking again', { inMs: PREPARE_AGAIN_MS });
        this.again = setTimeout(() => driver.state.role === 'candidate' && this.prepare(), PREPARE_AGAIN_MS);
        return;
      }
      // The data plane first, then the switches (by `takeOver`), then the other dispatcher: no frame finds nobody.
      startDispatching(this.parts);
      await this.parts.dataPlane.settled();
      if (driver.state.role !== 'candidate') return;
      logger.info('connection map complete, taking over', { ms: Math.round(rebuild.progress().ms) });
      driver.command({ kind: 'mapComplete' });
    });
  }

  /**
   * Dispatches from this instant: connection requests at once, packets of unknown connections held until the servers
   * have said what they have. After a prepared takeover this finds what was new in between.
   */
  private takeOver(): void {
    const { dataPlane, announcer, rebuild, logger } = this.parts;
    if (this.dispatchingAlready) return;
    this.dispatchingAlready = true;
    for (const timer of this.strayTimers) clearTimeout(timer);
    this.updateServers();
    startDispatching(this.parts);
    announcer.start();
    this.looks.begin();
    void rebuild.run(this.everybody(), { hold: true }).then((complete) => {
      if (!this.dispatches) return;
      this.looks.plan();
      const facts = {
        ms: Math.round(rebuild.progress().ms),
        connections: dataPlane.stats().connections.total,
      };
      const missing = complete ? '' : ', but a member did not answer';
      const text = `${facts.connections} connections learned in ${facts.ms} ms${missing}`;
      this.parts.events.add('rebuild', text, { ...facts, complete });
      if (complete) logger.info('connection map rebuilt', facts);
      else logger.warn('connection map rebuilt, but a member did not answer', facts);
    });
  }

  private stepDown(): void {
    const { driver, dataPlane, announcer, rebuild } = this.parts;
    const dispatched = this.dispatchingAlready;
    this.dispatchingAlready = false;
    rebuild.cancel();
    announcer.stop();
    for (const timer of this.strayTimers) clearTimeout(timer);
    this.looks.stop();
    // In the ring: another one has taken over, and what still comes here is passed on, with what is held at present:
    // let go before, it would be dropped as unknown (simulator, seed 22011758). Out of it: nobody asked us to.
    if (dispatched && driver.state.phase === 'member') {
      dataPlane.setRole('stray');
      dataPlane.hold(true);
      this.strayTimers = [
        setTimeout(() => dataPlane.hold(false), STRAY_HOLD_MS),
        setTimeout(() => dataPlane.setRole('off'), STRAY_MS),
      ];
      dataPlane.renewLease(monotonicMs() + STRAY_MS);
    } else {
      dataPlane.setRole('off');
      dataPlane.hold(false);
    }
  }

  private membershipChanged(event: RingEvent & { kind: 'membershipChanged' }): void {
    const { driver, rebuild } = this.parts;
    const member = logMember(this.parts, this.names, event);
    if (event.change === 'joined') this.warnOfLacks(event.member, member);
    this.updateServers();
    // Whoever comes (back) may hold connections that this dispatcher has never seen.
    const wanted = this.dispatches || driver.state.role === 'candidate';
    const host = hostOf(driver.state, event.member);
    if (event.change === 'joined' && wanted && host !== undefined)
      void rebuild.run([host], { hold: this.dispatches });
    // Whoever is gone may have dispatched as well, unheard by this node (simulator, seed 24026469).
    if (event.change === 'inactive' && this.dispatches) this.looks.plan();
  }

  private warnOfLacks(address: number, name: string): void {
    const { driver, live, logger } = this.parts;
    const member = driver.state.roster.get(address);
    const lacks = member?.canServe === true ? live.services.lackedBy(member.services) : [];
    if (lacks.length === 0) return;
    logger.warn(`member ${name} has not all services of this node's configuration: no connections of those`, {
      lacks: lacks.join(' '),
    });
  }

  /** To be called when this node itself takes connections, or takes none any more, and when weights have changed. */
  updateServers(): void {
    passServers(this.parts);
  }

  private everybody(): number[] {
    return activeHosts(this.parts.driver.state);
  }

  private renewLease(): void {
    if (this.dispatches) this.parts.dataPlane.renewLease(monotonicMs() + this.parts.leaseMs);
  }
}
