import type { Address } from '../address.js';
import { NO_ADDRESS } from '../address.js';
import type { Announce } from '../wire/messages.js';
import { readAnnounce } from '../wire/messages.js';
import type { Message } from '../wire/packet.js';

/** What is known of another member. Kept beside the ring state, which knows neighbours only (R2). */
export interface Member {
  readonly address: Address;
  /** In the ring as far as we know; a purge makes everybody inactive until it re-enters (R11). */
  active: boolean;
  /** Whole milliseconds. */
  lastSeenMs: number;
  /** Its latest announcement, as it came and decoded. */
  said: Message | undefined;
  /** The announcement that all of this is from; `undefined` once somebody else has said something of it. */
  from: Announce | undefined;
  /** Changed with `Roster.giveId` only. */
  readonly id: number;
  mac: Uint8Array;
  canDispatch: boolean;
  canServe: boolean;
  leaving: boolean;
  /** Not through its first (re-)entry yet: not eligible. */
  newcomer: boolean;
  weight: number;
  services: Uint8Array;
  incarnation: number;
  /** It says that it dispatches. */
  dispatching: boolean;
}

/** An id per member is all there is to give out, so this is all there can be. */
export const MAX_MEMBERS = 254;

const NOBODY: readonly Address[] = [];

/** The other members, in order of address. Bounded: inactive ones make room for new ones. */
export class Roster {
  private readonly self: Address;
  private members: Member[] = [];
  private readonly byAddress = new Map<Address, Member>();
  private active = 0;
  /** Active ones that say they dispatch. Worked out when asked for after a change; there is hardly ever more than one. */
  private claiming: readonly Address[] | undefined = NOBODY;
  /** No active (inactive) member was seen longer ago than this; times seen only grow. `Infinity`: there is none. */
  private readonly earliestActive = { seenMs: -Infinity };
  private readonly earliestInactive = { seenMs: -Infinity };

  /** How many have a smaller address than self. */
  below = 0;
  /** Looked up last: a packet asks for its sender several times. */
  private latest: Member | undefined;
  private latestAddress: Address = NO_ADDRESS;

  constructor(self: Address) {
    this.self = self;
  }

  all(): readonly Member[] {
    return this.members;
  }

  get(address: Address): Member | undefined {
    if (this.latestAddress !== address) {
      this.latest = this.byAddress.get(address);
      this.latestAddress = address;
    }
    return this.latest;
  }

  /** Decodes what `from` announces, unless it is what it announced last: hardly any beacon says anything new. */
  read(from: Address, message: Message): Announce | undefined {
    const member = this.get(from);
    if (member?.said && sameBytes(member.said.body, message.body)) return member.said.announce;
    const announce = readAnnounce(message);
    if (member && announce?.address === from) member.said = message;
    return announce;
  }

  activeCount(): number {
    return this.active;
  }

  /** Addresses of active others that say they dispatch, in order. */
  claimants(): readonly Address[] {
    this.claiming ??= this.members.filter((m) => m.active && m.dispatching).map((m) => m.address);
    return this.claiming;
  }

  /** Enters what was announced. Says what changed, `undefined` when nothing did or there is no room. */
  note(announce: Announce, nowMs: number): 'joined' | 'updated' | undefined {
    if (announce.address === this.self) return undefined;
    const known = this.get(announce.address);
    if (!known) return this.insert(announce, nowMs) ? 'joined' : undefined;
    if (known.active && known.from === announce) {
      known.lastSeenMs = Math.floor(nowMs);
      return undefined;
    }
    const restarted = known.incarnation !== announce.incarnation;
    const back = !known.active || restarted;
    known.lastSeenMs = Math.floor(nowMs);
    if (!back && !differs(known, announce)) {
      known.from = announce;
      return undefined;
    }
    if (known.dispatching || announce.dispatching) this.claiming = undefined;
    if (!known.active) this.activated(nowMs);
    Object.assign(known, memberOf(announce, nowMs), { said: known.said });
    return back ? 'joined' : 'updated';
  }

  /** The id of `address` is known from another than itself. */
  giveId(member: Member, id: number): void {
    const known: { id: number; from: Announce | undefined } = member;
    known.id = id;
    known.from = undefined;
  }

  private activated(nowMs: number): void {
    this.active++;
    this.earliestActive.seenMs = Math.min(this.earliestActive.seenMs, nowMs);
  }

  /** True when it was active until now. */
  deactivate(address: Address): boolean {
    const member = this.get(address);
    if (!member?.active) return false;
    if (member.dispatching) this.claiming = undefined;
    member.active = false;
    member.dispatching = false;
    this.active--;
    this.earliestInactive.seenMs = Math.min(this.earliestInactive.seenMs, member.lastSeenMs);
    return true;
  }

  /** Those not heard of since `sinceMs` and still thought active. */
  silentSince(sinceMs: number): Address[] {
    return this.seenBefore(sinceMs, true);
  }

  /** Drops who has been inactive since before `sinceMs`; returns them. */
  forget(sinceMs: number): Address[] {
    const gone = this.seenBefore(sinceMs, false);
    if (gone.length === 0) return gone;
    this.members = this.members.filter((m) => !gone.includes(m.address));
    for (const address of gone) this.byAddress.delete(address);
    this.recount();
    return gone;
  }

  /** Asked for with every tick, and hardly ever anybody: nobody is looked at before the earliest time it can be. */
  private seenBefore(sinceMs: number, active: boolean): Address[] {
    const found: Address[] = [];
    const earliest = active ? this.earliestActive : this.earliestInactive;
    if (sinceMs <= earliest.seenMs) return found;
    let oldestMs = Infinity;
    for (const member of this.members) {
      if (member.active !== active) continue;
      if (member.lastSeenMs < sinceMs) found.push(member.address);
      oldestMs = Math.min(oldestMs, member.lastSeenMs);
    }
    // Whoever comes to them later brings the bound down.
    earliest.seenMs = oldestMs;
    return found;
  }

  private insert(announce: Announce, nowMs: number): boolean {
    if (this.members.length >= MAX_MEMBERS - 1) {
      const room = this.members.findIndex((m) => !m.active);
      if (room < 0) return false;
      for (const { address } of this.members.splice(room, 1)) this.byAddress.delete(address);
    }
    const member = memberOf(announce, nowMs);
    this.members.splice(this.countBelow(member.address), 0, member);
    this.byAddress.set(member.address, member);
    this.recount();
    this.activated(nowMs);
    if (member.dispatching) this.claiming = undefined;
    return true;
  }

  /** Members have come or been forgotten. */
  private recount(): void {
    this.below = this.countBelow(this.self);
    this.latestAddress = NO_ADDRESS;
  }

  private countBelow(address: Address): number {
    let from = 0;
    let to = this.members.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.members[middle] as Member).address < address) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Whether a member may dispatch (R18). */
export function isEligible({ active, canDispatch, leaving, newcomer }: Member): boolean {
  return active && canDispatch && !leaving && !newcomer;
}

function memberOf(a: Announce, nowMs: number): Member {
  const { address, id, mac, canDispatch, canServe, leaving, newcomer, weight, services } = a;
  const { incarnation, dispatching } = a;
  return {
    address,
    active: true,
    lastSeenMs: Math.floor(nowMs),
    said: undefined,
    from: a,
    id,
    mac,
    canDispatch,
    canServe,
    leaving,
    newcomer,
    weight,
    services,
    incarnation,
    dispatching,
  };
}

function differs(m: Member, a: Announce): boolean {
  return (
    m.id !== a.id ||
    m.canDispatch !== a.canDispatch ||
    m.canServe !== a.canServe ||
    m.leaving !== a.leaving ||
    m.newcomer !== a.newcomer ||
    m.weight !== a.weight ||
    m.dispatching !== a.dispatching ||
    !sameBytes(m.mac, a.mac) ||
    !sameBytes(m.services, a.services)
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
