import type { Address } from '../address.js';
import type { Announce } from '../wire/messages.js';

/** What is known of another member. Kept beside the ring state, which knows neighbours only (R2). */
export interface Member {
  readonly address: Address;
  id: number;
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
  /** In the ring as far as we know; a purge makes everybody inactive until it re-enters (R11). */
  active: boolean;
  lastSeenMs: number;
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
  /** No active (inactive) member was seen longer ago than this; times seen only grow. */
  private readonly earliestActive = { seenMs: -Infinity };
  private readonly earliestInactive = { seenMs: -Infinity };

  constructor(self: Address) {
    this.self = self;
  }

  all(): readonly Member[] {
    return this.members;
  }

  get(address: Address): Member | undefined {
    return this.byAddress.get(address);
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
    const restarted = known.incarnation !== announce.incarnation;
    const back = !known.active || restarted;
    known.lastSeenMs = nowMs;
    if (!back && !differs(known, announce)) return undefined;
    if (known.dispatching || announce.dispatching) this.claiming = undefined;
    if (!known.active) this.active++;
    Object.assign(known, describe(announce), { active: true });
    return back ? 'joined' : 'updated';
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
    // Whoever comes to them later is seen later than this, or brings the bound down (`deactivate`).
    earliest.seenMs = oldestMs === Infinity ? sinceMs : oldestMs;
    return found;
  }

  private insert(announce: Announce, nowMs: number): boolean {
    if (this.members.length >= MAX_MEMBERS - 1) {
      const room = this.members.findIndex((m) => !m.active);
      if (room < 0) return false;
      for (const { address } of this.members.splice(room, 1)) this.byAddress.delete(address);
    }
    const member: Member = { ...describe(announce), active: true, lastSeenMs: nowMs };
    this.members.splice(this.countBelow(member.address), 0, member);
    this.byAddress.set(member.address, member);
    this.active++;
    if (member.dispatching) this.claiming = undefined;
    return true;
  }

  /** How many have a smaller address. */
  countBelow(address: Address): number {
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

function describe(a: Announce): Omit<Member, 'active' | 'lastSeenMs'> {
  const { address, id, mac, canDispatch, canServe, leaving, newcomer, weight, services } = a;
  const { incarnation, dispatching } = a;
  return {
    address,
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
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
