import type { Address } from '../address.js';
import type { Removal, Repair } from '../wire/messages.js';
import { encodeRemoval, encodeRepair, MessageType } from '../wire/messages.js';
import type { Message } from '../wire/packet.js';
import { ID_EVERYBODY } from '../wire/packet.js';
import { announceSoon, announceTo, broadcast, direct, roundTtl, sendTo } from './announcing.js';
import { dropMember } from './membership.js';
import { freshCreationTime } from './joining.js';
import { setDownstream, setUpstream, spliceOut } from './neighbours.js';
import { evaluateRole } from './roles.js';
import type { Step } from './state.js';

/**
 * Repair of a single fault without a purge (R12). The neighbour that notices asks round the ring for the one on the
 * other side of the gap: against the direction when its NDN is gone, with it when its NUN is. The two close the gap
 * and tell everybody who is gone. Not confirmed within the broadcast timeout: more than one is gone, purge (R11).
 */
export function startRepair(step: Step, lost: Address, reverse: boolean): void {
  const { state, nowMs } = step;
  if (state.repair?.lost === lost) return;
  state.counters.repairs++;
  if (state.ring.ndn === lost && state.ring.nun === lost) {
    closeAlone(step, lost);
    return;
  }
  state.repair = { lost, reverse, deadlineMs: nowMs + state.config.broadcastTimeoutMs };
  const request: Repair = { createdAt: state.ring.createdAt, lost, detector: state.ring.self, reverse };
  const message = { ...direct(MessageType.repair, encodeRepair(request), state), ttl: 255 };
  sendTo(step, reverse ? state.ring.nun : state.ring.ndn, message);
}

/** The other one of two is gone: a ring of one, of a new creation time, since the other may be alone likewise. */
function closeAlone(step: Step, lost: Address): void {
  const { state } = step;
  const removal = {
    createdAt: state.ring.createdAt,
    lost,
    upstream: state.ring.self,
    downstream: state.ring.self,
  };
  broadcast(step, direct(MessageType.gone, encodeRemoval(removal), state));
  spliceOut(step, removal);
  state.ring.createdAt = freshCreationTime(step);
  state.idRing = state.ring.createdAt;
  state.purgedRing = 0;
  dropMember(step, lost, 'the other of two, gone');
  evaluateRole(step);
}

export function hearRepair(step: Step, message: Message, request: Repair): void {
  const { state } = step;
  const { ring } = state;
  if (state.phase !== 'member' || request.createdAt !== ring.createdAt || request.detector === ring.self)
    return;
  if (request.lost === ring.self) {
    announceTo(step, request.detector);
    return;
  }
  const gapIsHere = (request.reverse ? ring.nun : ring.ndn) === request.lost;
  if (gapIsHere) {
    answerRepair(step, request);
    return;
  }
  const next = request.reverse ? ring.nun : ring.ndn;
  if (message.ttl > 1 && next !== request.detector && next !== ring.self)
    sendTo(step, next, { ...message, ttl: message.ttl - 1 });
}

function answerRepair(step: Step, request: Repair): void {
  const { state } = step;
  const { self, createdAt } = state.ring;
  const { lost, detector } = request;
  const removal: Removal = request.reverse
    ? { createdAt, lost, upstream: detector, downstream: self }
    : { createdAt, lost, upstream: self, downstream: detector };
  sendTo(step, detector, direct(MessageType.splice, encodeRemoval(removal), state));
  applyRemoval(step, removal, 'gone, gap closed');
}

/** The other side of the gap has answered: it is closed; everybody hears who is gone, twice over. */
export function hearSplice(step: Step, removal: Removal): void {
  const { state } = step;
  if (state.phase !== 'member' || removal.createdAt !== state.ring.createdAt) return;
  if (state.repair?.lost !== removal.lost) return;
  if (state.repair.reverse) setDownstream(step, removal.downstream);
  else setUpstream(step, removal.upstream);
  state.repair = undefined;
  const gone = direct(MessageType.gone, encodeRemoval(removal), state);
  broadcast(step, gone);
  applyRemoval(step, removal, 'gone, gap closed');
  if (state.ring.ndn !== state.ring.self) {
    sendTo(step, state.ring.ndn, { ...gone, ttl: roundTtl(state), destination: ID_EVERYBODY });
  }
}

/** `removal.lost` is out, by fault or of its own will; it was somebody else. */
export function applyRemoval(step: Step, removal: Removal, reason: string): void {
  const { state } = step;
  spliceOut(step, removal);
  if (state.repair?.lost === removal.lost) state.repair = undefined;
  dropMember(step, removal.lost, reason);
  evaluateRole(step);
  if (state.announceBurst > 0) return;
  // The neighbours of a gap may never have heard of each other: let them.
  const beside = removal.upstream === state.ring.self || removal.downstream === state.ring.self;
  if (beside) announceSoon(step, 1);
}
