import type { Address } from '../address.js';
import { isBetween, NO_ADDRESS } from '../address.js';
import type { Removal } from '../wire/messages.js';
import { forgetGaps } from './adaptive.js';
import type { Step } from './state.js';
import { isAlone } from './state.js';

/** The order of the ring (R1): who is next to whom. Only the seven variables change here (R2). */

export function setDownstream(step: Step, address: Address): void {
  const { state } = step;
  if (state.ring.ndn === address) return;
  state.ring.ndn = address;
  state.refusals = 0;
  state.lastDownstreamMs = 0;
  step.effects.push({ kind: 'downstreamChanged', to: address === state.ring.self ? NO_ADDRESS : address });
}

export function setUpstream(step: Step, address: Address): void {
  const { state } = step;
  if (state.ring.nun === address) return;
  state.ring.nun = address;
  state.lastNunMs = step.nowMs;
  forgetGaps(state);
}

/** A ring of one. */
export function resetNeighbours(step: Step): void {
  const { ring } = step.state;
  ring.smallest = ring.self;
  ring.greatest = ring.self;
  setUpstream(step, ring.self);
  setDownstream(step, ring.self);
}

/** `address` is in the ring: takes its place if that is beside us (R8). Says nothing to anybody; idempotent. */
export function spliceIn(step: Step, address: Address): void {
  const { ring } = step.state;
  if (address === ring.self) return;
  if (isAlone(step.state)) {
    step.state.lastHeartbeatMs = step.nowMs;
    setDownstream(step, address);
    setUpstream(step, address);
  } else {
    if (isBetween(ring.self, address, ring.ndn)) setDownstream(step, address);
    if (isBetween(ring.nun, address, ring.self)) setUpstream(step, address);
  }
  ring.smallest = Math.min(ring.smallest, address);
  ring.greatest = Math.max(ring.greatest, address);
}

/** `removal.lost` is out of the ring; the two sides of the gap are named. */
export function spliceOut(step: Step, removal: Removal): void {
  const { ring } = step.state;
  const { lost, upstream, downstream } = removal;
  if (lost === ring.self) return;
  if (ring.ndn === lost && ring.nun === lost) {
    resetNeighbours(step);
    return;
  }
  if (ring.ndn === lost) setDownstream(step, isBetween(ring.self, upstream, lost) ? upstream : downstream);
  if (ring.nun === lost) setUpstream(step, isBetween(lost, downstream, ring.self) ? downstream : upstream);
}

/** `lost` is out while we are joining: its neighbours may not be of the ring that we enter, but the list knows who is. */
export function closeGap(step: Step, lost: Address): void {
  const { ring, roster } = step.state;
  if (ring.ndn !== lost && ring.nun !== lost) return;
  const active = roster.all().filter((member) => member.active);
  const greater = active.filter(({ address }) => address > ring.self);
  const smaller = active.filter(({ address }) => address < ring.self);
  setDownstream(step, (greater[0] ?? active[0])?.address ?? ring.self);
  setUpstream(step, (smaller.at(-1) ?? active.at(-1))?.address ?? ring.self);
  findEnds(step);
}

/**
 * One of the ends of the order is gone. The other ends of its gap, as a message named them, may be gone likewise by now:
 * the list of members knows better.
 */
export function findEnds(step: Step): void {
  const { ring, roster } = step.state;
  ring.smallest = Math.min(ring.self, ring.ndn, ring.nun);
  ring.greatest = Math.max(ring.self, ring.ndn, ring.nun);
  for (const member of roster.all()) {
    if (!member.active) continue;
    ring.smallest = Math.min(ring.smallest, member.address);
    ring.greatest = Math.max(ring.greatest, member.address);
  }
}
