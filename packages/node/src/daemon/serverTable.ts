import type { Member, RingState } from '@ringmaster/ring';
import type { ServerInfo } from '../dataplane/index.js';
import { address6OfServices, type OwnServices } from '../services.js';
import { hostedMembers, ownAddress6, ownHost } from './hosts.js';

/**
 * The servers as the dispatcher needs them: every member that it knows of, those that are away as inactive (R11), and the
 * servers outside the ring.
 */
export function serverTable(
  state: RingState,
  services: OwnServices,
  fixedServers: readonly ServerInfo[],
): ServerInfo[] {
  const { self } = state;
  const own: ServerInfo = {
    address: ownHost(state),
    ...withAddress6(ownAddress6(state)),
    mac: self.mac,
    weight: self.weight,
    active: selfServes(state),
    local: true,
  };
  const others = hostedMembers(state).map(({ host, member }) => ({
    address: host,
    ...withAddress6(address6OfServices(member.services)),
    mac: member.mac,
    weight: member.weight,
    active: takesConnections(member, services),
    local: false,
    lacks: services.lackedBy(member.services),
  }));
  const members = new Set([own, ...others].map(({ address }) => address));
  // A member that is named as a server outside the ring as well is known better as a member.
  return [own, ...others, ...fixedServers.filter(({ address }) => !members.has(address))];
}

const withAddress6 = (address6: Uint8Array | undefined) => (address6 === undefined ? {} : { address6 });

/** Whether a member is given new connections: it is there, it serves, and it has something that this node dispatches (R9). */
export function takesConnections(member: Member, services: OwnServices): boolean {
  return member.active && member.canServe && !member.leaving && services.haveInCommon(member.services);
}

/** Whether this node takes new connections itself: the dispatcher serves too (N3). */
export function selfServes(state: RingState): boolean {
  return state.self.canServe && !state.leaving && (state.phase === 'member' || state.phase === 'joining');
}
