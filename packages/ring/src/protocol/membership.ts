import type { Address } from '../address.js';
import type { Announce } from '../wire/messages.js';
import { encodeAssign, MessageType } from '../wire/messages.js';
import type { Message } from '../wire/packet.js';
import { ID_EVERYBODY, ID_NONE, MAX_ID, packMessages } from '../wire/packet.js';
import { announceSoon, direct, roundTtl, sendTo } from './announcing.js';
import { findEnds, spliceIn } from './neighbours.js';
import type { RingState, Step } from './state.js';
import { isMaster } from './state.js';

/** Enters an announced member into order and roster. Says what changed; `joined`: it was not active before. */
export function noteMember(step: Step, announce: Announce): 'joined' | 'updated' | undefined {
  const { state, nowMs } = step;
  spliceIn(step, announce.address);
  const before = state.roster.get(announce.address);
  const sameLife = before?.active === true && before.incarnation === announce.incarnation;
  const id = announce.id === ID_NONE && sameLife ? before.id : announce.id;
  const change = state.roster.note(id === announce.id ? announce : { ...announce, id }, nowMs);
  if (change) {
    const reason = announce.joining ? 'announced itself, joining' : 'announced itself';
    step.effects.push({ kind: 'membershipChanged', member: announce.address, change, reason });
  }
  return change;
}

/** Why members go that are not lost: of their own will, or because the ring is made anew, to which they come back. */
export const PEACEFUL = {
  left: 'left',
  weLeft: 'we left the ring',
  merge: 'ring purge: joins an older ring',
  idsExhausted: 'ring purge: all ids given out',
} as const;

/** Whether a member that became inactive for this reason was lost. */
export const isLoss = (reason: string): boolean => !Object.values<string>(PEACEFUL).includes(reason);

/** Takes a member out of the roster's active ones. */
export function dropMember(step: Step, address: Address, reason: string): void {
  const { ring, roster } = step.state;
  const wasActive = roster.deactivate(address);
  if (address === ring.smallest || address === ring.greatest) findEnds(step);
  if (!wasActive) return;
  step.effects.push({ kind: 'membershipChanged', member: address, change: 'inactive', reason });
}

export function noteHighestId(state: RingState, ...ids: number[]): void {
  state.highestId = Math.max(state.highestId, ...ids);
}

/**
 * The id for `address`, `undefined` when all have been given out: the last byte of the address, if nobody else has it.
 * So within a network of 256 addresses an id never comes to mean another member of one creation time (R3), whoever gives
 * it out: in a ring that is falling apart or growing together several members may take themselves for the master, and none
 * of them knows what the others gave. In a larger network two addresses may want one id: then it is the next one that has
 * not been given out, and should two masters choose alike, `settleIdConflict` settles it.
 */
function chooseId(state: RingState, address: Address): number | undefined {
  const lastByte = address % 256;
  const next = state.highestId + 1;
  const free = (id: number): boolean => id > ID_NONE && id <= MAX_ID && !isTaken(state, id, address);
  if (free(lastByte)) return lastByte;
  if (free(next)) return next;
  for (let id = 1; id <= MAX_ID; id++) if (free(id)) return id;
  return undefined;
}

function isTaken(state: RingState, id: number, address: Address): boolean {
  if (state.id === id && address !== state.ring.self) return true;
  return state.roster.all().some((m) => m.id === id && m.address !== address);
}

/** A master without an id gives itself one, then everybody who has none (R3). */
export function assignMissingIds(step: Step): 'done' | 'exhausted' {
  const { state } = step;
  if (!isMaster(state)) return 'done';
  if (state.id === ID_NONE) {
    const own = chooseId(state, state.ring.self);
    if (own === undefined) return 'exhausted';
    takeId(step, own);
  }
  const told: Message[] = [];
  let free = true;
  for (const member of state.roster.all()) {
    if (!free || !member.active || member.id !== ID_NONE) continue;
    free = giveId(step, member.address, told) !== undefined;
  }
  sendRound(step, told);
  return free ? 'done' : 'exhausted';
}

/** Gives `address` its id, or the one it has been given already. The caller is (or was until now) the master. */
export function assignId(step: Step, address: Address): number | undefined {
  const told: Message[] = [];
  const id = giveId(step, address, told);
  sendRound(step, told);
  return id;
}

/** What all are to know goes round in as few packets as hold it. */
function sendRound({ state, effects }: Step, messages: readonly Message[]): void {
  if (messages.length === 0) return;
  for (const packet of packMessages(messages, state.config.maxPacketBytes))
    effects.push({ kind: 'send', to: state.ring.ndn, packet });
}

/** As `assignId`; what the others are to be told is left in `told`. */
function giveId(step: Step, address: Address, told: Message[]): number | undefined {
  const { state } = step;
  const member = state.roster.get(address);
  if (!member) return undefined;
  if (member.id === ID_NONE) {
    const id = chooseId(state, address);
    if (id === undefined) return undefined;
    state.roster.giveId(member, id);
    noteHighestId(state, id);
    step.effects.push({
      kind: 'membershipChanged',
      member: address,
      change: 'updated',
      reason: `given id ${id}`,
    });
    if (state.ring.ndn !== address)
      told.push(assignMessage(state, address, id, roundTtl(state), ID_EVERYBODY));
  }
  sendTo(step, address, assignMessage(state, address, member.id, 1, 0));
  return member.id;
}

function assignMessage(
  s: RingState,
  address: Address,
  id: number,
  ttl: number,
  destination: number,
): Message {
  const body = encodeAssign({ createdAt: s.ring.createdAt, address, id });
  return { ...direct(MessageType.assign, body, s), ttl, destination };
}

export function takeId(step: Step, id: number): void {
  const { state } = step;
  if (state.id === id) return;
  state.id = id;
  state.idRing = state.phase === 'joining' ? state.joinTarget : state.ring.createdAt;
  noteHighestId(state, id);
  if (state.phase === 'member' && state.announceBurst === 0) announceSoon(step, 1);
}

/**
 * Two members with one id (rings that met, a lost message): the smaller address keeps it, the other one asks for a
 * new one by announcing itself without.
 */
export function settleIdConflict(step: Step, announce: Announce): void {
  const { state } = step;
  if (announce.id === ID_NONE || announce.id !== state.id || announce.address >= state.ring.self) return;
  state.id = ID_NONE;
  if (!isMaster(state)) announceSoon(step, 1);
}
