import type { Address } from '@ringmaster/ring';
import { dispatcherOf, ID_NONE, isDispatching, NO_ADDRESS, preference } from '@ringmaster/ring';
import type { Station } from '../cluster/station.js';

/**
 * What keeps these stations, in order of their addresses, from being one ring with the dispatcher that the rule names
 * (invariant 1); `undefined`: nothing.
 */
export function disagreement(stations: readonly Station[]): string | undefined {
  if (stations.length === 0) return undefined;
  return orderProblem(stations) ?? rosterProblem(stations) ?? dispatcherProblem(stations);
}

function orderProblem(stations: readonly Station[]): string | undefined {
  const { length } = stations;
  const first = stations[0] as Station;
  const last = stations[length - 1] as Station;
  const ids = new Set<number>();
  for (let i = 0; i < length; i++) {
    const { name, state } = stations[i] as Station;
    const { ring } = state;
    if (state.phase !== 'member') return `${name} is ${state.phase}, not a member`;
    if (ring.createdAt !== first.state.ring.createdAt) return `${name} is in another ring than ${first.name}`;
    if (ring.ndn !== (stations[(i + 1) % length] as Station).address) return `${name} has the wrong NDN`;
    if (ring.nun !== (stations[(i + length - 1) % length] as Station).address)
      return `${name} has the wrong NUN`;
    if (ring.smallest !== first.address) return `${name} has the wrong smallest address`;
    if (ring.greatest !== last.address) return `${name} has the wrong greatest address`;
    if (state.id === ID_NONE) return `${name} has no id`;
    if (ids.has(state.id)) return `${name} has the id ${state.id} of another`;
    ids.add(state.id);
  }
  return undefined;
}

/** Rosters and stations are both in the order of addresses, so one walk compares them. */
function rosterProblem(stations: readonly Station[]): string | undefined {
  for (const station of stations) {
    const { name, state } = station;
    let at = 0;
    for (const member of state.roster.all()) {
      if (!member.active) continue;
      if (stations[at] === station) at++;
      const other = stations[at++];
      if (other?.address !== member.address) return `${name} lists the wrong members`;
      if (member.id !== other.state.id) return `${name} takes ${other.name} for id ${member.id}`;
    }
    if (stations[at] === station) at++;
    if (at !== stations.length) return `${name} does not list ${stations[at]?.name}`;
  }
  return undefined;
}

function dispatcherProblem(stations: readonly Station[]): string | undefined {
  const dispatching = stations.filter((s) => isDispatching(s.state));
  const expected = expectedDispatcher(stations);
  if (expected === NO_ADDRESS) {
    return dispatching.length === 0 ? undefined : `${dispatching[0]?.name} dispatches, nobody should`;
  }
  const only = dispatching[0];
  if (!only) return 'nobody dispatches';
  if (dispatching.length > 1) return `${dispatching.map((s) => s.name).join(' and ')} dispatch`;
  const { preempt } = only.state.config;
  if (preempt && only.address !== expected) return `${only.name} dispatches, not the elected one`;
  if (!only.traits.canDispatch) return `${only.name} dispatches and cannot`;
  const doubting = stations.find((s) => dispatcherOf(s.state) !== only.address);
  return doubting && `${doubting.name} does not know the dispatcher`;
}

/** The one that the rule names (R18, R19); `NO_ADDRESS`: nobody may. */
function expectedDispatcher(stations: readonly Station[]): Address {
  const { config } = (stations[0] as Station).state;
  if (stations.length < config.minimumMembers) return NO_ADDRESS;
  const eligible = stations.filter((s) => s.traits.canDispatch).map((s) => s.address);
  return preference(config.election, eligible)[0] ?? NO_ADDRESS;
}
