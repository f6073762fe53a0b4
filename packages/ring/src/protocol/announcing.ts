import type { Address } from '../address.js';
import { encodeAnnounce, MessageType } from '../wire/messages.js';
import type { Message } from '../wire/packet.js';
import { encodePacket } from '../wire/packet.js';
import type { RingState, Step } from './state.js';
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

export function announceMessage(state: RingState): Message {
  const body = encodeAnnounce({
    ...state.self,
    createdAt: state.phase === 'joining' ? state.joinTarget : state.ring.createdAt,
    joining: state.phase === 'joining',
    dispatching: isDispatching(state),
    leaving: state.leaving,
    newcomer: state.phase === 'joining' && state.newcomer,
    id: state.id,
    highestId: state.highestId,
  });
  return direct(MessageType.announce, body, state);
}

/** Tells one member about this one. */
export function announceTo(step: Step, to: Address): void {
  sendTo(step, to, announceMessage(step.state));
}

/** Tells everybody about this one, now. */
export function announce(step: Step): void {
  step.state.lastBeaconMs = step.nowMs;
  broadcast(step, announceMessage(step.state));
}

/** Tells everybody now, and again with the next ticks, `times` in all. */
export function announceSoon(step: Step, times: number): void {
  announce(step);
  step.state.announceBurst = Math.max(step.state.announceBurst, times - 1);
}
