import type { Announce, Redirect, Removal } from '../wire/messages.js';
import { encodeRedirect, encodeRemoval, MessageType, PurgeReason } from '../wire/messages.js';
import type { Message } from '../wire/packet.js';
import { ID_EVERYBODY, ID_NONE } from '../wire/packet.js';
import type { Address } from '../address.js';
import { isBetween } from '../address.js';
import { silenceLimitMs } from './adaptive.js';
import { announce, announceSoon, announceTo, broadcast, direct, sendTo } from './announcing.js';
import { mergeInto, purge, reenter, repeatPurgeTo } from './joining.js';
import {
  assignId,
  assignMissingIds,
  dropMember,
  noteHighestId,
  noteMember,
  PEACEFUL,
  settleIdConflict,
} from './membership.js';
import { closeGap, resetNeighbours, spliceIn } from './neighbours.js';
import { applyRemoval, startRepair } from './repair.js';
import { evaluateRole, resign } from './roles.js';
import type { RingState, Step } from './state.js';
import { isAlone, isDispatching, isMaster } from './state.js';

/** Phase `member`: the heartbeat, watching the neighbours, answering newcomers, leaving. */

/** A member unheard for so many beacons counts as gone, should every other message about it be lost. */
const SILENT_BEACONS = 5;
/** Inactive members stay on the list for a while, so that a user can see who is missing. */
const FORGET_AFTER_MS = 600_000;

/** Once a heartbeat interval (R3, R11, R13, R14). `dueMs` is when it should have been. */
export function tick(step: Step, dueMs: number): void {
  const { state, nowMs } = step;
  const { heartbeatIntervalMs } = state.config;
  const lateMs = nowMs - dueMs;
  if (wasPaused(step, lateMs)) return;
  beat(step);
  if (!isAlone(state)) watchNeighbours(step);
  if (state.phase !== 'member') return;
  keepRoster(step);
  if (assignMissingIds(step) === 'exhausted') noIdLeft(step);
  if (state.phase !== 'member') return;
  evaluateRole(step);
  if (state.leaving && (!isDispatching(state) || nowMs >= state.leaveDeadlineMs)) {
    leaveNow(step);
    return;
  }
  const nextMs = lateMs > heartbeatIntervalMs ? nowMs + heartbeatIntervalMs : dueMs + heartbeatIntervalMs;
  step.effects.push({ kind: 'setTimer', timer: 'tick', atMs: nextMs });
}

/**
 * R14: who was paused accuses nobody. Late by more than two intervals: everybody gets a fresh chance. So late that the
 * others must have given us up: re-enter. (Between the two, the seed's rule of re-entering at once would make a busy
 * host leave the ring although nobody missed it.)
 */
function wasPaused(step: Step, lateMs: number): boolean {
  const { state, nowMs } = step;
  const { heartbeatIntervalMs, communicationTimeoutMs } = state.config;
  if (lateMs <= 2 * heartbeatIntervalMs) return false;
  state.counters.pauses++;
  state.lastNunMs = nowMs;
  state.lastHeartbeatMs = nowMs;
  state.repair = undefined;
  if (lateMs < communicationTimeoutMs - heartbeatIntervalMs || state.roster.activeCount() === 0) return false;
  reenter(step, `was paused for ${Math.round(lateMs)} ms`);
  return true;
}

function beat(step: Step): void {
  const { state } = step;
  if (isAlone(state)) return;
  if (isMaster(state) && state.id !== ID_NONE) {
    const heartbeat: Message = {
      ttl: 255,
      destination: ID_EVERYBODY,
      source: state.id,
      type: MessageType.heartbeat,
      body: new Uint8Array(0),
    };
    sendTo(step, state.ring.ndn, heartbeat);
    state.lastDownstreamMs = step.nowMs;
  } else {
    speakDownstream(step);
  }
}

/**
 * R13: the NDN hears from us every heartbeat interval, whatever becomes of the heartbeat; its refusal tells that its
 * process is dead. A tenth more than the interval, so that a heartbeat that comes round in time makes this unnecessary.
 */
export function speakDownstream(step: Step): void {
  const { state, nowMs } = step;
  if (isAlone(state)) return;
  const limitMs = state.config.heartbeatIntervalMs * 1.1;
  if (nowMs >= state.lastDownstreamMs + limitMs) {
    sendTo(step, state.ring.ndn, direct(MessageType.alive, new Uint8Array(0), state));
    state.lastDownstreamMs = nowMs;
  }
  step.effects.push({ kind: 'setTimer', timer: 'alive', atMs: state.lastDownstreamMs + limitMs });
}

function watchNeighbours(step: Step): void {
  const { state, nowMs } = step;
  const limitMs = silenceLimitMs(state);
  if (state.repair && nowMs >= state.repair.deadlineMs) {
    purge(step, PurgeReason.repairFailed, state.repair.lost);
  } else if (nowMs - state.lastHeartbeatMs > 2 * limitMs) {
    purge(step, PurgeReason.heartbeatLost);
  } else if (!state.repair && nowMs - state.lastNunMs > limitMs) {
    startRepair(step, state.ring.nun, false);
  }
}

function keepRoster(step: Step): void {
  const { state, nowMs } = step;
  const { beaconIntervalMs } = state.config;
  if (state.announceBurst > 0) {
    state.announceBurst--;
    announce(step);
  } else if (nowMs - state.lastBeaconMs >= beaconIntervalMs) {
    announce(step);
  }
  for (const address of state.roster.silentSince(nowMs - SILENT_BEACONS * beaconIntervalMs)) {
    dropMember(step, address, 'not heard of');
  }
  for (const member of state.roster.forget(nowMs - FORGET_AFTER_MS)) {
    step.effects.push({ kind: 'membershipChanged', member, change: 'forgotten', reason: 'long gone' });
  }
}

/** Somebody announced itself: one of us, a newcomer, or another ring. */
export function hearAsMember(step: Step, heard: Announce): void {
  const { state } = step;
  const { createdAt } = state.ring;
  if (heard.createdAt === createdAt || (heard.joining && heard.createdAt === 0)) {
    welcome(step, heard);
  } else if (heard.createdAt === state.purgedRing && state.purgedRing > 0) {
    repeatPurgeTo(step, heard.address);
  } else if (heard.createdAt < createdAt && !heard.joining) {
    mergeInto(step, heard.createdAt);
  } else if (heard.createdAt > createdAt) {
    announceTo(step, heard.address);
  }
}

function welcome(step: Step, heard: Announce): void {
  const { state } = step;
  const wasMaster = isMaster(state);
  noteHighestId(state, heard.id, heard.createdAt === state.ring.createdAt ? heard.highestId : ID_NONE);
  const change = noteMember(step, heard);
  settleIdConflict(step, heard);
  const isNew = change === 'joined';
  if (heard.joining && (isNew || mustAnswerAgain(state, heard.address))) announceTo(step, heard.address);
  if (wasMaster && heard.id === ID_NONE) {
    if (assignId(step, heard.address) === undefined) noIdLeft(step);
    // Who says nothing new changes nothing; what only time changes is the tick's.
  } else if (change !== undefined && assignMissingIds(step) === 'exhausted') noIdLeft(step);
  if (change !== undefined && state.phase === 'member') evaluateRole(step);
}

/** A newcomer must hear of its neighbours and of who dispatches, even when answers get lost. */
function mustAnswerAgain(state: RingState, newcomer: Address): boolean {
  return state.ring.ndn === newcomer || state.ring.nun === newcomer || isDispatching(state);
}

/** All 254 ids of this creation time are spent: a new creation time, if fewer members than ids are there (R3). */
function noIdLeft(step: Step): void {
  if (step.state.roster.activeCount() < 253) purge(step, PurgeReason.idsExhausted);
}

/**
 * Traffic that only an NUN sends, from somebody who is not ours: whoever stands between is named to it. This is how
 * the order heals when a splice was lost.
 */
export function hearMisrouted(step: Step, from: Address): void {
  const { state } = step;
  const { ring } = state;
  const member = state.roster.get(from);
  if (!member) {
    announceTo(step, from);
  } else if (!member.active) {
    const removal = { createdAt: ring.createdAt, lost: from, upstream: ring.nun, downstream: ring.self };
    sendTo(step, from, direct(MessageType.gone, encodeRemoval(removal), state));
  } else if (isBetween(ring.nun, from, ring.self)) {
    spliceIn(step, from);
  } else {
    const redirect: Redirect = { createdAt: ring.createdAt, address: ring.nun };
    sendTo(step, from, direct(MessageType.redirect, encodeRedirect(redirect), state));
  }
}

export function hearRedirect(step: Step, redirect: Redirect): void {
  const { state } = step;
  if (state.phase !== 'member' || redirect.createdAt !== state.ring.createdAt) return;
  if (!isBetween(state.ring.self, redirect.address, state.ring.ndn)) return;
  spliceIn(step, redirect.address);
  announceTo(step, redirect.address);
}

export function hearGone(step: Step, removal: Removal): void {
  const { state } = step;
  if (state.phase !== 'member' || removal.createdAt !== state.ring.createdAt) return;
  if (removal.lost === state.ring.self) reenter(step, 'expelled by the others');
  else applyRemoval(step, removal, 'reported gone');
}

export function hearLeave(step: Step, removal: Removal): void {
  const { state } = step;
  if (removal.lost === state.ring.self) return;
  if (state.phase === 'member' && removal.createdAt === state.ring.createdAt)
    applyRemoval(step, removal, PEACEFUL.left);
  else {
    dropMember(step, removal.lost, PEACEFUL.left);
    closeGap(step, removal.lost);
  }
}

/** R16: a dispatcher waits for its successor to take over; everybody else goes at once. */
export function leave(step: Step): void {
  const { state, nowMs } = step;
  if (state.leaving) return;
  state.leaving = true;
  state.leaveDeadlineMs = nowMs + state.config.handoverTimeoutMs;
  const successor = state.roster.all().some((m) => m.active && m.canDispatch && !m.leaving);
  if (state.phase === 'member' && isDispatching(state) && successor) {
    announce(step);
    state.announceBurst = 3;
    return;
  }
  leaveNow(step);
}

/** Started again before the successor has taken over: the service was repaired in time, nothing has to change. */
export function stayAfterAll(step: Step): void {
  const { state } = step;
  if (!state.leaving) return;
  state.leaving = false;
  announceSoon(step, 3);
  evaluateRole(step);
}

function leaveNow(step: Step): void {
  const { state } = step;
  const { self, nun, ndn, createdAt } = state.ring;
  if (state.phase === 'member' && !isAlone(state)) {
    const body = encodeRemoval({ createdAt, lost: self, upstream: nun, downstream: ndn });
    const message = direct(MessageType.leave, body, state);
    broadcast(step, message);
    sendTo(step, nun, message);
    if (ndn !== nun) sendTo(step, ndn, message);
  }
  for (const timer of ['tick', 'alive', 'join', 'joinRepeat'] as const)
    step.effects.push({ kind: 'clearTimer', timer });
  state.phase = 'left';
  state.leaving = false;
  step.effects.push({ kind: 'phaseChanged', phase: 'left', reason: 'left gracefully' });
  resign(step, 'left the ring');
  resetNeighbours(step);
  for (const member of state.roster.all()) dropMember(step, member.address, PEACEFUL.weLeft);
  step.effects.push({ kind: 'left' });
}
