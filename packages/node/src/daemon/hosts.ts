/**
 * Members by the IPv4 addresses of their hosts. The ring orders members by its transport's addresses - IPv4 or MAC - and
 * nothing outside the ring has to know which: users, connection lists and the connection map go by IPv4.
 */
import assert from 'node:assert/strict';
import type { Address, Member, RingState } from '@ringmaster/ring';
import { formatIpv4 } from '@ringmaster/ring';
import { address6OfServices, hostOfServices } from '../services.js';

/** Unsigned IPv4 address of this node's host. */
export function ownHost(state: RingState): number {
  const host = hostOfServices(state.self.services);
  assert(host !== undefined, 'a node announces its own address');
  return host;
}

/** The 16 bytes of this node's own IPv6 address, where one is wanted. */
export const ownAddress6 = (state: RingState): Uint8Array | undefined =>
  address6OfServices(state.self.services);

/** A member whose host is known. */
export interface HostedMember {
  readonly host: number;
  readonly member: Member;
}

/**
 * The other members in the order of the ring. One that has told no address cannot be asked for connections or shown;
 * of two that claim one address the first has it, and none has this node's own.
 */
export function hostedMembers(state: RingState): HostedMember[] {
  const taken = new Set([ownHost(state)]);
  const hosted: HostedMember[] = [];
  for (const member of state.roster.all()) {
    const host = hostOfServices(member.services);
    if (host === undefined || taken.has(host)) continue;
    taken.add(host);
    hosted.push({ host, member });
  }
  return hosted;
}

/** The host of one member, this node included; `undefined` for a stranger. */
export function hostOf(state: RingState, address: Address): number | undefined {
  if (address === state.ring.self) return ownHost(state);
  return hostedMembers(state).find(({ member }) => member.address === address)?.host;
}

/** The host of the member with this id, this node included; `undefined` when there is none. */
export function hostOfId(state: RingState, id: number): number | undefined {
  if (id === state.id) return ownHost(state);
  return hostedMembers(state).find(({ member }) => member.active && member.id === id)?.host;
}

/** Whether a host has just started: this node itself as long as it is not in the ring, others by what they say. */
export function isNewcomer(state: RingState, host: number): boolean {
  if (host === ownHost(state)) return true;
  return hostedMembers(state).find((hosted) => hosted.host === host)?.member.newcomer ?? false;
}

/** The hosts of all active members, this one first. */
export function activeHosts(state: RingState): number[] {
  const others = hostedMembers(state).filter(({ member }) => member.active);
  return [ownHost(state), ...others.map(({ host }) => host)];
}

const MAX_NAMES = 512;

/** What to call members in front of people. Remembers them, because of some the last news is that they are forgotten. */
export class MemberNames {
  private readonly names = new Map<Address, string>();

  /** `10.0.0.11`, or the ring address of a member whose host was never known. */
  show(state: RingState, address: Address): string {
    const host = hostOf(state, address);
    if (host === undefined) return this.names.get(address) ?? `with ring address ${address.toString(16)}`;
    const name = formatIpv4(host);
    this.names.delete(address);
    this.names.set(address, name);
    if (this.names.size > MAX_NAMES) this.forgetOldest();
    return name;
  }

  private forgetOldest(): void {
    for (const oldest of this.names.keys()) {
      this.names.delete(oldest);
      return;
    }
  }
}
