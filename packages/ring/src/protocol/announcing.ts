import type { Address } from '../address.js';
import { encodeAnnounce, MessageType } from '../wire/messages.js';
import type { Message } from '../wire/packet.js';
import { encodePacket } from '../wire/packet.js';
import type { RingState, SelfDescription, Step } from './state.js';
import { isDispatching } from './state.js';

/** A message for whoever receives the datagram, not to be passed on. */
export function direct(type: number, body: Uint8Array, state: RingState): Message {
  return { ttl: 1, destination: 0, source: state.id, type, body };
}

/**
 * Time to live of a message that is to pass every other member once (R6). Its source takes it out, but that may die
 * while the message travels: then it must not go round a second time.
 */
export function roundTtl(state: RingState): number {
  return Math.max(1, state.roster.activeCount());
}

export function sendTo(step: Step, to: Address, ...messages: Message[]): void {
  step.effects.push({ kind: 'send', to, packet: encodePacket(messages) });
}

export function broadcast(step: Step, ...messages: Message[]): void {
  step.effects.push({ kind: 'broadcast', packet: encodePacket(messages) });
}

/** What an announcement says besides `self`, and the packet that says so. */
export interface Said {
  readonly self: SelfDescription;
  readonly createdAt: number;
  readonly joining: boolean;
  readonly dispatching: boolean;
  readonly leaving: boolean;
  readonly newcomer: boolean;
  readonly id: number;
  readonly highestId: number;
  readonly packet: Uint8Array;
}

/** The announcement of now: the same packet as last time while there is nothing else to say. */
function announcement(state: RingState): Uint8Array {
  const { self, id, highestId, leaving, said } = state;
  const joining = state.phase === 'joining';
  const createdAt = joining ? state.joinTarget : state.ring.createdAt;
  const dispatching = isDispatching(state);
  const newcomer = joining && state.newcomer;
  const same =
    said?.self === self &&
    said.createdAt === createdAt &&
    said.joining === joining &&
    said.dispatching === dispatching &&
    said.leaving === leaving &&
    said.newcomer === newcomer &&
    said.id === id &&
    said.highestId === highestId;
  if (same) return said.packet;
  const what = { createdAt, joining, dispatching, leaving, newcomer, id, highestId };
  const body = encodeAnnounce({ ...self, ...what });
  const packet = encodePacket([direct(MessageType.announce, body, state)]);
  state.said = { self, ...what, packet };
  return packet;
}

/** Tells one member about this one. */
export function announceTo(step: Step, to: Address): void {
  step.effects.push({ kind: 'send', to, packet: announcement(step.state) });
}

/** Tells everybody about this one, now. */
export function announce(step: Step): void {
  step.state.lastBeaconMs = step.nowMs;
  step.effects.push({ kind: 'broadcast', packet: announcement(step.state) });
}

/** Tells everybody now, and again with the next ticks, `times` in all. */
export function announceSoon(step: Step, times: number): void {
  announce(step);
  step.state.announceBurst = Math.max(step.state.announceBurst, times - 1);
}
