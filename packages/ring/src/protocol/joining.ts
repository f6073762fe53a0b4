import { NO_ADDRESS } from '../address.js';
import type { Announce, Assign, Purge, PurgeReasonCode } from '../wire/messages.js';
import { creationTime, creationTimeMs, encodePurge, MessageType, PurgeReason } from '../wire/messages.js';
import { ID_NONE } from '../wire/packet.js';
import { forgetGaps } from './adaptive.js';
import { announce, announceSoon, announceTo, broadcast, direct, sendTo } from './announcing.js';
import { assignMissingIds, dropMember, noteHighestId, noteMember, PEACEFUL, takeId } from './membership.js';
import { resetNeighbours } from './neighbours.js';
import { evaluateRole, resign } from './roles.js';
import type { RingState, Step } from './state.js';
import { isAlone, isDispatching } from './state.js';

/**
 * Phase `joining` (R8, R10, R11): announce, listen for the broadcast timeout, be a member. Entered at start, after an
 * expulsion or a pause (as a newcomer), and together with everybody else after a purge.
 *
 * Deviation from the seed: of two creation times that meet, the older one stays, in every case - so that all members
 * decide alike without knowing the size of the rings.
 */
const ANNOUNCEMENTS_PER_JOIN = 5;
/**
 * Who knows more members than this announces itself twice in a join: when all of a large ring re-enter at once, what they
 * say grows with the square of their number, while what one of them misses in one packet, it hears in the next.
 */
const MANY_MEMBERS = 16;
const ANNOUNCEMENTS_AMONG_MANY = 2;
/** How many broadcast timeouts a cold start waits for a smaller address to found the ring. */
const FOUNDER_ROUNDS = 3;

export interface JoinReason {
  readonly reason: string;
  /** Creation time of the ring to enter; 0 when none is known. */
  readonly target: number;
  readonly newcomer: boolean;
  /** The id holds in the new ring too (a purge keeps ids; a merge or running out of ids does not). */
  readonly keepId: boolean;
}

export function enterJoining(step: Step, why: JoinReason): void {
  const { state, nowMs } = step;
  if (state.phase === 'member') state.purgedRing = why.newcomer ? 0 : state.ring.createdAt;
  state.phase = 'joining';
  state.newcomer = why.newcomer;
  state.joinTarget = why.target;
  state.joinRounds = 0;
  state.repair = undefined;
  // A candidate's map would be complete while it may not take over, and nobody would tell it again.
  if (state.role === 'candidate') resign(step, why.reason);
  if (!why.keepId) forgetIds(state);
  else state.idRing = why.target;
  resetNeighbours(step);
  for (const member of state.roster.all()) dropMember(step, member.address, why.reason);
  step.effects.push({ kind: 'phaseChanged', phase: 'joining', reason: why.reason });
  step.effects.push({ kind: 'clearTimer', timer: 'tick' });
  step.effects.push({ kind: 'clearTimer', timer: 'alive' });
  state.joinDeadlineMs = nowMs + state.config.broadcastTimeoutMs;
  step.effects.push({ kind: 'setTimer', timer: 'join', atMs: state.joinDeadlineMs });
  announceJoining(step);
}

function forgetIds(state: RingState): void {
  state.id = ID_NONE;
  state.idRing = 0;
  state.highestId = ID_NONE;
  for (const member of state.roster.all()) state.roster.giveId(member, ID_NONE);
}

export function announceJoining(step: Step): void {
  const { state, nowMs } = step;
  announce(step);
  const times = amongMany(state) ? ANNOUNCEMENTS_AMONG_MANY : ANNOUNCEMENTS_PER_JOIN;
  const every = state.config.broadcastTimeoutMs / times;
  step.effects.push({ kind: 'setTimer', timer: 'joinRepeat', atMs: nowMs + every });
}

function amongMany(state: RingState): boolean {
  return state.roster.all().length > MANY_MEMBERS;
}

/** Somebody announced itself while we are joining. */
export function hearWhileJoining(step: Step, heard: Announce): void {
  const { state } = step;
  if (heard.createdAt > 0 && heard.createdAt !== state.purgedRing) {
    const older = state.joinTarget === 0 || heard.createdAt < state.joinTarget;
    if (older) state.joinTarget = heard.createdAt;
  }
  if (heard.createdAt === state.joinTarget) noteHighestId(state, heard.id, heard.highestId);
  const isNew = noteMember(step, heard) === 'joined';
  // After a purge everybody announces itself anyway.
  if (isNew && heard.joining && (heard.newcomer || state.newcomer)) announceTo(step, heard.address);
  // A cold start that waits for its founder need not wait any longer.
  if (!heard.joining && state.joinRounds > 0 && state.joinTarget > 0)
    becomeMember(step, 'the founder answered');
}

/** The broadcast timeout has passed: the ring counts as (re)built (R11). */
export function joinTimeout(step: Step): void {
  const { state, nowMs } = step;
  if (state.joinTarget > 0) {
    becomeMember(step, 'joined');
    return;
  }
  const smaller = state.roster.all().some((m) => m.active && m.address < state.ring.self);
  if (smaller && state.joinRounds < FOUNDER_ROUNDS) {
    state.joinRounds++;
    state.joinDeadlineMs = nowMs + state.config.broadcastTimeoutMs;
    step.effects.push({ kind: 'setTimer', timer: 'join', atMs: state.joinDeadlineMs });
    return;
  }
  state.joinTarget = freshCreationTime(step);
  becomeMember(step, 'founded a ring');
}

function becomeMember(step: Step, reason: string): void {
  const { state, nowMs } = step;
  const dispatched = isDispatching(state);
  const heardBefore = !state.newcomer && amongMany(state);
  if (state.idRing !== state.joinTarget) state.id = ID_NONE;
  state.phase = 'member';
  state.newcomer = false;
  state.ring.createdAt = state.joinTarget;
  state.joinTarget = 0;
  // Nobody came along: the others have gone on without this one, and their ring is the older one when they meet again.
  if (isAlone(state)) state.purgedRing = 0;
  state.memberSinceMs = nowMs;
  state.lastNunMs = nowMs;
  forgetGaps(state);
  state.lastHeartbeatMs = nowMs;
  step.effects.push({ kind: 'clearTimer', timer: 'join' });
  step.effects.push({ kind: 'clearTimer', timer: 'joinRepeat' });
  step.effects.push({ kind: 'setTimer', timer: 'tick', atMs: nowMs + state.config.heartbeatIntervalMs });
  step.effects.push({ kind: 'phaseChanged', phase: 'member', reason });
  assignMissingIds(step);
  announceSoon(step, heardBefore ? 1 : 2);
  evaluateRole(step);
  // Others may have dispatched meanwhile, and have given up again before this one could see it.
  if (dispatched && isDispatching(state))
    step.effects.push({ kind: 'reassert', reason: 'dispatches in a ring that was rebuilt' });
}

/** A creation time that is newer than the present ring's (R2). */
export function freshCreationTime(step: Step): number {
  const { state, nowMs } = step;
  const wallMs = Math.max(nowMs + state.config.wallOffsetMs, creationTimeMs(state.ring.createdAt) + 1);
  return creationTime(wallMs, state.ring.self);
}

/** Forces everybody to leave and re-enter (R11). */
export function purge(step: Step, reason: PurgeReasonCode, suspect = NO_ADDRESS): void {
  purgeInto(step, freshCreationTime(step), reason, suspect);
}

/** Two rings have met: ours is the younger one and dissolves into the other (R10). */
export function mergeInto(step: Step, createdAt: number): void {
  purgeInto(step, createdAt, PurgeReason.merge, NO_ADDRESS);
}

function purgeInto(step: Step, createdAt: number, reason: PurgeReasonCode, suspect: number): void {
  const { state } = step;
  state.counters.purges++;
  const purged = state.ring.createdAt;
  const order: Purge = { purged, createdAt, purger: state.ring.self, suspect, reason };
  broadcast(step, direct(MessageType.purge, encodePurge(order), state));
  enterJoining(step, joinReasonOf(order));
}

export function hearPurge(step: Step, order: Purge): void {
  const { state } = step;
  if (order.purger === state.ring.self || order.createdAt === 0) return;
  if (state.phase === 'member' && order.purged === state.ring.createdAt) {
    enterJoining(step, joinReasonOf(order));
  } else if (
    state.phase === 'joining' &&
    (order.purged === state.joinTarget || order.purged === state.purgedRing)
  ) {
    const current = order.purged === state.joinTarget ? 0 : state.joinTarget;
    const before = state.joinTarget;
    state.joinTarget = current === 0 ? order.createdAt : Math.min(current, order.createdAt);
    if (state.idRing === before) state.idRing = state.joinTarget;
  }
}

/** A member that has missed the purge of its ring is told again. */
export function repeatPurgeTo(step: Step, address: number): void {
  const { state } = step;
  const createdAt = state.phase === 'joining' ? state.joinTarget : state.ring.createdAt;
  const order: Purge = {
    purged: state.purgedRing,
    createdAt,
    purger: state.ring.self,
    suspect: NO_ADDRESS,
    reason: PurgeReason.heartbeatLost,
  };
  if (createdAt > 0) sendTo(step, address, direct(MessageType.purge, encodePurge(order), state));
}

const PURGE_REASONS: Record<number, string> = {
  [PurgeReason.heartbeatLost]: 'ring purge: heartbeat lost',
  [PurgeReason.repairFailed]: 'ring purge: repair not confirmed',
  [PurgeReason.merge]: PEACEFUL.merge,
  [PurgeReason.idsExhausted]: PEACEFUL.idsExhausted,
};

function joinReasonOf(order: Purge): JoinReason {
  const keepId = order.reason !== PurgeReason.merge && order.reason !== PurgeReason.idsExhausted;
  const reason = PURGE_REASONS[order.reason] ?? 'ring purge';
  return { reason, target: order.createdAt, newcomer: false, keepId };
}

/** Others have taken this member for dead, or it has slept too long to know (R14): stop and re-enter. */
export function reenter(step: Step, reason: string): void {
  const { state } = step;
  state.counters.expulsions++;
  resign(step, reason);
  enterJoining(step, { reason, target: state.ring.createdAt, newcomer: true, keepId: true });
}

export function hearAssign(step: Step, assign: Assign): void {
  const { state } = step;
  const ringTime = state.phase === 'joining' ? state.joinTarget : state.ring.createdAt;
  if (assign.createdAt !== ringTime) return;
  noteHighestId(state, assign.id);
  if (assign.address === state.ring.self) {
    takeId(step, assign.id);
    return;
  }
  const member = state.roster.get(assign.address);
  if (!member || member.id === assign.id) return;
  state.roster.giveId(member, assign.id);
  const reason = `given id ${assign.id}`;
  step.effects.push({ kind: 'membershipChanged', member: assign.address, change: 'updated', reason });
}
