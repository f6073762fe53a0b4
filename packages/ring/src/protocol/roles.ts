import type { Address } from '../address.js';
import { elected, preference } from './election.js';
import { isEligible, type Member } from './roster.js';
import { announceSoon } from './announcing.js';
import type { Role, RingState, Step } from './state.js';
import { isDispatching } from './state.js';

/** A change of who dispatches is said so often: whoever misses them all takes it for what it was until the next beacon. */
const ROLE_ANNOUNCEMENTS = 5;

/**
 * Decides the role anew (R17-R19). Called after whatever may change it: membership, claims, the tick (hold-down).
 *
 * - The preferred member dispatches at once when nobody does.
 * - When somebody does, it becomes a candidate, whose shell makes the connection map complete first.
 * - Of several that dispatch the one that the rule prefers stays, the others abdicate.
 */
export function evaluateRole(step: Step): void {
  const { state } = step;
  if (state.phase !== 'member') return;
  const claimants = state.roster.claimants();
  noteConflict(step, claimants);
  if (1 + state.roster.activeCount() < state.config.minimumMembers) {
    changeRole(step, 'server', 'too few members');
    return;
  }
  if (isDispatching(state)) evaluateDispatcher(step, claimants);
  else evaluateOther(step, claimants);
}

/** Stops dispatching at once, whatever the others do: paused, expelled, or gone. */
export function resign(step: Step, reason: string): void {
  changeRole(step, 'server', reason);
}

function evaluateDispatcher(step: Step, claimants: readonly Address[]): void {
  const { state } = step;
  const self = state.ring.self;
  if (claimants.length > 0) {
    const eligible = eligibleMembers(state);
    const best = preference(state.config.election, eligible).find((a) => a === self || claimants.includes(a));
    if (best !== undefined && best !== self) {
      changeRole(step, 'server', 'abdicated to a preferred dispatcher');
      return;
    }
  }
  const alone = state.roster.activeCount() === 0;
  changeRole(step, alone ? 'standalone' : 'dispatcher', alone ? 'only member left' : 'no longer alone');
}

function evaluateOther(step: Step, claimants: readonly Address[]): void {
  const { state, nowMs } = step;
  if (electedMember(state) !== state.ring.self) {
    changeRole(step, 'server', 'another is elected');
    return;
  }
  if (claimants.length === 0) {
    const alone = state.roster.activeCount() === 0;
    changeRole(step, alone ? 'standalone' : 'dispatcher', 'elected, nobody dispatches');
    return;
  }
  const theyGiveUp = claimants.every((a) => givesUp(state.roster.get(a)));
  const heldDown = nowMs - state.memberSinceMs < state.config.holdDownMs;
  if (theyGiveUp || (state.config.preempt && !heldDown)) changeRole(step, 'candidate', 'elected, takes over');
}

/** Whether a dispatcher waits for somebody to take over: it leaves, or will not dispatch any longer. */
function givesUp(member: Member | undefined): boolean {
  return member !== undefined && (member.leaving || !member.canDispatch);
}

/** The candidate's map is complete: from now on it dispatches, and says so (R19). */
export function takeOver(step: Step): void {
  const { state } = step;
  if (state.role !== 'candidate') return;
  changeRole(step, state.roster.activeCount() === 0 ? 'standalone' : 'dispatcher', 'map complete');
  // From now on the former one is a competitor.
  evaluateRole(step);
}

/** Active members that may dispatch, self included, in no particular order (R18). */
function eligibleMembers(state: RingState): Address[] {
  const addresses = state.roster
    .all()
    .filter(isEligible)
    .map((m) => m.address);
  if (state.self.canDispatch && !state.leaving) addresses.push(state.ring.self);
  return addresses;
}

/** The one of them that the rule names. Self stands between the others in the order of addresses. */
function electedMember(state: RingState): Address | undefined {
  const { ring, roster, config, self } = state;
  const others = roster.all();
  const own = self.canDispatch && !state.leaving ? ring.self : undefined;
  const before = roster.below;
  return elected(config.election, others.length + 1, (place) => {
    if (place === before) return own;
    const member = others[place < before ? place : place - 1] as Member;
    return isEligible(member) ? member.address : undefined;
  });
}

function noteConflict(step: Step, claimants: readonly Address[]): void {
  const { state } = step;
  const competitors = isDispatching(state) ? claimants.length : 0;
  if (competitors > 0 && state.competitors === 0) announceSoon(step, 1);
  // With every tick until it gives up: a host that was cut off for a moment has not heard any of it (simulator, seed 5012556).
  if (competitors > 0) state.announceBurst = Math.max(state.announceBurst, 1);
  // Each of several: the last one's word may be long in coming (simulator, seed 5005071).
  if (competitors < state.competitors && isDispatching(state)) {
    step.effects.push({ kind: 'reassert', reason: 'a competing dispatcher gave up' });
  }
  state.competitors = competitors;
}

function changeRole(step: Step, role: Role, reason: string): void {
  const { state } = step;
  if (state.role === role) return;
  const wasDispatching = isDispatching(state);
  state.role = role;
  step.effects.push({ kind: 'roleChanged', role, reason });
  // Who has left says nothing any more: it would be taken for one that comes back.
  if (state.phase !== 'left' && wasDispatching !== isDispatching(state))
    announceSoon(step, ROLE_ANNOUNCEMENTS);
}
