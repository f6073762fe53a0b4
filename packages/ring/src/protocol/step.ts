import type { Address } from '../address.js';
import {
  decodeAssign,
  decodePurge,
  decodeRedirect,
  decodeRemoval,
  decodeRepair,
  MessageType,
} from '../wire/messages.js';
import type { Message } from '../wire/packet.js';
import { decodePacket, ID_EVERYBODY, ID_NONE, packMessages } from '../wire/packet.js';
import { noteGap } from './adaptive.js';
import { announceSoon, announceTo, roundTtl, sendTo } from './announcing.js';
import {
  announceJoining,
  enterJoining,
  hearAssign,
  hearPurge,
  hearWhileJoining,
  joinTimeout,
} from './joining.js';
import {
  hearAsMember,
  hearGone,
  hearLeave,
  hearMisrouted,
  hearRedirect,
  leave,
  speakDownstream,
  stayAfterAll,
  tick,
} from './member.js';
import { hearRepair, hearSplice, startRepair } from './repair.js';
import { evaluateRole, takeOver } from './roles.js';
import type {
  Command,
  Effect,
  Input,
  Outbox,
  PacketInput,
  RingState,
  SelfDescription,
  Step,
  TimerName,
} from './state.js';
import { isAlone } from './state.js';

/** A member that describes itself anew says so this often. */
const DESCRIPTION_ANNOUNCEMENTS = 3;

/** The protocol: changes the state by one input and returns what the shell is to do. */
export function step(state: RingState, input: Input): Effect[] {
  const current: Step = { state, nowMs: input.nowMs, effects: [] };
  switch (input.kind) {
    case 'packet':
      receivePacket(current, input);
      break;
    case 'timer':
      expire(current, input.timer, input.dueMs);
      break;
    case 'command':
      obey(current, input.command);
      break;
    case 'refused':
      receiveRefusal(current, input.address);
      break;
    case 'peer':
      if (isActive(state)) announceTo(current, input.address);
      break;
  }
  return current.effects;
}

function isActive(state: RingState): boolean {
  return state.phase === 'joining' || state.phase === 'member';
}

function obey(step: Step, command: Command): void {
  const { state } = step;
  switch (command.kind) {
    case 'start':
      if (isActive(state)) {
        stayAfterAll(step);
        return;
      }
      state.leaving = false;
      enterJoining(step, { reason: 'started', target: 0, newcomer: true, keepId: false });
      return;
    case 'leave':
      if (isActive(state)) leave(step);
      else step.effects.push({ kind: 'left' });
      return;
    case 'mapComplete':
      if (state.phase === 'member') takeOver(step);
      return;
    case 'describe':
      describeSelf(step, command.change);
      return;
    case 'configure':
      state.config = { ...state.config, ...command.change };
      evaluateRole(step);
      return;
    case 'send':
      sendApplication(step, command.destination, command.body);
  }
}

/** R9: told at once and repeated, since a dispatcher that misses it goes on as before until the next beacon. */
function describeSelf(step: Step, change: Partial<SelfDescription>): void {
  const { state } = step;
  state.self = { ...state.self, ...change, address: state.ring.self };
  if (!isActive(state)) return;
  announceSoon(step, DESCRIPTION_ANNOUNCEMENTS);
  evaluateRole(step);
}

function sendApplication(step: Step, destination: number, body: Uint8Array): void {
  const { state } = step;
  if (destination === state.id || destination === ID_EVERYBODY) {
    step.effects.push({ kind: 'application', source: state.id, body });
    if (destination === state.id) return;
  }
  // Without an id nobody could tell that the message has come round, its sender included (R6).
  if (state.phase !== 'member' || isAlone(state) || state.id === ID_NONE) return;
  const type = MessageType.application;
  forward(step, [{ ttl: roundTtl(state), destination, source: state.id, type, body }]);
}

function expire(step: Step, timer: TimerName, dueMs: number): void {
  const { phase } = step.state;
  if (timer === 'tick' && phase === 'member') tick(step, dueMs);
  if (timer === 'alive' && phase === 'member') speakDownstream(step);
  if (timer === 'join' && phase === 'joining') joinTimeout(step);
  if (timer === 'joinRepeat' && phase === 'joining') announceJoining(step);
}

/** R13: asked once more, a dead process refuses again; a lost or forged refusal does not. */
function receiveRefusal(step: Step, address: Address): void {
  const { state } = step;
  if (state.phase !== 'member' || address !== state.ring.ndn || isAlone(state)) return;
  state.refusals++;
  if (state.refusals === 1) {
    const type = MessageType.alive;
    sendTo(step, address, { ttl: 1, destination: ID_NONE, source: state.id, type, body: new Uint8Array(0) });
    return;
  }
  startRepair(step, address, true);
}

function receivePacket(step: Step, input: PacketInput): void {
  const { state, nowMs } = step;
  const { from } = input;
  if (!isActive(state) || from === state.ring.self) return;
  state.counters.packetsReceived++;
  const messages = input.messages ?? messagesOf(input.packet);
  if (!messages) {
    state.counters.packetsMalformed++;
    return;
  }
  if (from === state.ring.nun) {
    noteGap(state, nowMs - state.lastNunMs);
    state.lastNunMs = nowMs;
  }
  const member = state.roster.get(from);
  if (member?.active) member.lastSeenMs = Math.floor(nowMs);
  let onward: Outbox | undefined;
  for (const message of messages) {
    const next = receiveMessage(step, from, message);
    if (next) (onward ??= []).push(next);
  }
  if (onward && mayForward(state)) forward(step, onward);
}

function messagesOf(packet: Uint8Array): readonly Message[] | undefined {
  const decoded = decodePacket(packet);
  return decoded.ok ? decoded.messages : undefined;
}

/** Nothing of a purged ring is passed on while it is being rebuilt. */
function mayForward(state: RingState): boolean {
  return !isAlone(state) && (state.phase === 'member' || (state.phase === 'joining' && state.newcomer));
}

function forward(step: Step, messages: Outbox): void {
  const { state } = step;
  for (const packet of packMessages(messages, state.config.maxPacketBytes)) {
    step.effects.push({ kind: 'send', to: state.ring.ndn, packet });
    state.lastDownstreamMs = step.nowMs;
  }
}

/** R6: who takes a message out, and who passes it on. Returns it as it goes on. */
function receiveMessage(step: Step, from: Address, message: Message): Message | undefined {
  const { state } = step;
  const own = state.id !== ID_NONE;
  // A direct message (ttl 1, to nobody by id) never comes round; it may come from one who has our id by mistake.
  const circulates = message.ttl > 1 || message.destination !== ID_NONE;
  if (circulates && own && message.source === state.id) {
    if (message.type === MessageType.heartbeat) {
      state.counters.heartbeatsReturned++;
      state.lastHeartbeatMs = step.nowMs;
    }
    return undefined;
  }
  if (message.type === MessageType.repair) {
    // Travels either way and ends where the gap is: passed on by its own rule (R12).
    const repair = decodeRepair(message.body);
    if (repair) hearRepair(step, message, repair);
    else state.counters.messagesMalformed++;
    return undefined;
  }
  // What another ring sends round has a ttl for that ring, and a source that nobody here is.
  if (circulates && message.type !== MessageType.heartbeat && !state.roster.get(from)?.active) {
    state.counters.messagesForeign++;
    return undefined;
  }
  const mine =
    message.ttl === 1 || message.destination === ID_EVERYBODY || (own && message.destination === state.id);
  if (mine) process(step, from, message);
  const goesOn = message.destination === ID_EVERYBODY || !(own && message.destination === state.id);
  if (!goesOn) return undefined;
  if (message.ttl > 1) return { ...message, ttl: message.ttl - 1 };
  if (message.destination !== ID_NONE) state.counters.messagesExpired++;
  return undefined;
}

/** Decodes a body and hands it on; a body that does not decode is counted and otherwise ignored. */
function withBody<T>(step: Step, decoded: T | undefined, handle: (body: T) => void): void {
  if (decoded === undefined) step.state.counters.messagesMalformed++;
  else handle(decoded);
}

function process(step: Step, from: Address, message: Message): void {
  const { state } = step;
  const { body } = message;
  switch (message.type) {
    case MessageType.heartbeat:
      state.counters.heartbeatsSeen++;
      state.lastHeartbeatMs = step.nowMs;
      if (state.phase === 'member' && from !== state.ring.nun) hearMisrouted(step, from);
      return;
    case MessageType.alive:
      if (state.phase === 'member' && from !== state.ring.nun) hearMisrouted(step, from);
      return;
    case MessageType.announce:
      return withBody(step, state.roster.read(from, message), (heard) => {
        if (heard.address !== from) return;
        if (state.phase === 'joining') hearWhileJoining(step, heard);
        else if (state.phase === 'member') hearAsMember(step, heard);
      });
    case MessageType.purge:
      return withBody(step, decodePurge(body), (order) => hearPurge(step, order));
    case MessageType.assign:
      return withBody(step, decodeAssign(body), (assign) => hearAssign(step, assign));
    case MessageType.leave:
      return withBody(step, decodeRemoval(body), (removal) => hearLeave(step, removal));
    case MessageType.splice:
      return withBody(step, decodeRemoval(body), (removal) => hearSplice(step, removal));
    case MessageType.gone:
      return withBody(step, decodeRemoval(body), (removal) => hearGone(step, removal));
    case MessageType.redirect:
      return withBody(step, decodeRedirect(body), (redirect) => hearRedirect(step, redirect));
    case MessageType.application:
      step.effects.push({ kind: 'application', source: message.source, body });
      return;
    case MessageType.challenge:
    case MessageType.proof:
      return; // the session layer's
    default:
      state.counters.messagesUnknown++;
  }
}
