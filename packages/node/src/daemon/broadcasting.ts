import { isDispatching } from '@ringmaster/ring';
import type { RingEvent } from '@ringmaster/transport';
import { shareBuckets } from '@ringmaster/dispatch';
import { BUCKETS, bucketWords } from 'libnetraw';
import { monotonicMs } from '../dataplane/index.js';
import {
  LEASE_RENEWAL_MS,
  logMember,
  passServers,
  startDispatching,
  type DispatchingParts,
} from './dispatchingParts.js';
import { activeHosts, hostedMembers, MemberNames, ownHost } from './hosts.js';
import { Looks } from './looks.js';
import { selfServes, takesConnections } from './serverTable.js';

/**
 * Broadcast dispatch (docs/rules.md, O3): every node gets all packets and takes those of its share of the clients. Whoever the
 * ring elects answers for the addresses, and nothing else.
 *
 * ```
 *   member of the ring                      others have gone, or come
 *   off ---------> on, with its share: what is unknown is held, all are asked ---------> the same, with another share
 *    ^                                                                                          |
 *    +------------------------ out of the ring, or joining it anew -----------------------------+
 * ```
 *
 * Who gains clients holds what it does not know, and asks all members for their connections, as a dispatcher does that takes over;
 * their packets go on to where they are. Who loses clients lets go at once: for some milliseconds nobody may take them, and they
 * repeat themselves; both would answer, and one of them with a reset.
 */
export class Broadcasting {
  private readonly parts: DispatchingParts;
  private readonly names = new MemberNames();
  private readonly lease: NodeJS.Timeout;
  private readonly looks: Looks;
  private isOn = false;
  private answers = false;
  private share: ReadonlySet<number> = new Set();
  /** The members that the share was worked out for, as text. */
  private sharing = '';

  constructor(parts: DispatchingParts) {
    this.parts = parts;
    this.lease = setInterval(() => this.renewLease(), LEASE_RENEWAL_MS);
    this.looks = new Looks({
      dataPlane: parts.dataPlane,
      isWanted: () => this.isOn,
      ask: () => void parts.rebuild.run(this.everybody(), { hold: true }),
    });
  }

  handle(event: RingEvent): void {
    const { logger, announcer, driver } = this.parts;
    switch (event.kind) {
      case 'roleChanged':
        logger.info(`this node is ${event.role} now`, { reason: event.reason });
        // It answers for the addresses: there is no map to be completed before.
        if (event.role === 'candidate') setImmediate(() => driver.command({ kind: 'mapComplete' }));
        return this.review();
      case 'membershipChanged':
        logMember(this.parts, this.names, event);
        return this.review();
      case 'phaseChanged':
        logger.info(`ring: ${event.phase}`, { reason: event.reason });
        return this.review();
      case 'reassert':
        return announcer.start();
      case 'application':
      case 'left':
        return;
    }
  }

  close(): void {
    clearInterval(this.lease);
    this.looks.stop();
    this.parts.announcer.stop();
    this.parts.rebuild.cancel();
  }

  /** To be called when this node itself takes connections, or takes none any more, and when weights have changed. */
  updateServers(): void {
    this.review();
  }

  private review(): void {
    const { driver, dataPlane } = this.parts;
    const { state } = driver;
    passServers(this.parts);
    if (state.phase !== 'member') return this.turnOff();
    const before = this.share;
    this.share = this.shareNow();
    const answers = isDispatching(state);
    const gains = [...this.share].some((bucket) => !before.has(bucket));
    const hasChanged = gains || before.size !== this.share.size;
    if (hasChanged || answers !== this.answers || !this.isOn)
      dataPlane.setShare({ buckets: bucketWords(this.share), answers });
    this.announce(answers);
    if (!this.isOn) this.turnOn();
    else if (gains) this.learn();
  }

  private announce(answers: boolean): void {
    const { announcer } = this.parts;
    if (answers && !this.answers) announcer.start();
    if (!answers && this.answers) announcer.stop();
    this.answers = answers;
  }

  private shareNow(): ReadonlySet<number> {
    const { driver, live } = this.parts;
    const { state } = driver;
    const self = { address: ownHost(state), weight: selfServes(state) ? state.self.weight : 0 };
    const others = hostedMembers(state)
      .filter(({ member }) => takesConnections(member, live.services) && !member.newcomer)
      .map(({ host, member }) => ({ address: host, weight: member.weight }));
    const members = [self, ...others];
    // Hardly any news of a member changes the shares, and with many members they take their time.
    const sharing = JSON.stringify(members);
    if (sharing === this.sharing) return this.share;
    this.sharing = sharing;
    const owners = shareBuckets(members, BUCKETS);
    return new Set(owners.flatMap((owner, bucket) => (owner === self.address ? [bucket] : [])));
  }

  private turnOn(): void {
    this.isOn = true;
    startDispatching(this.parts);
    this.learn();
  }

  private turnOff(): void {
    if (!this.isOn) return;
    const { dataPlane, rebuild } = this.parts;
    this.isOn = false;
    this.share = new Set();
    this.sharing = '';
    this.announce(false);
    this.looks.stop();
    rebuild.cancel();
    dataPlane.setRole('off');
    dataPlane.hold(false);
  }

  /** Asks everybody for their connections: those of clients that have just become this node's are somewhere. */
  private learn(): void {
    const { rebuild, dataPlane, logger } = this.parts;
    this.looks.begin();
    void rebuild.run(this.everybody(), { hold: true }).then((complete) => {
      if (!this.isOn) return;
      this.looks.plan();
      const { total } = dataPlane.stats().connections;
      const facts = {
        ms: Math.round(rebuild.progress().ms),
        connections: total,
        sharePercent: this.sharePercent,
      };
      const missing = complete ? '' : ', but a member did not answer';
      const text = `${facts.sharePercent} % of the clients; ${total} connections learned in ${facts.ms} ms${missing}`;
      this.parts.events.add('rebuild', text, { ...facts, complete });
      logger.info('share of the clients taken', { ...facts, complete });
    });
  }

  /** Of the clients. */
  get sharePercent(): number {
    return Math.round((1000 * this.share.size) / BUCKETS) / 10;
  }

  private everybody(): number[] {
    return activeHosts(this.parts.driver.state);
  }

  private renewLease(): void {
    if (this.isOn) this.parts.dataPlane.renewLease(monotonicMs() + this.parts.leaseMs);
  }
}
