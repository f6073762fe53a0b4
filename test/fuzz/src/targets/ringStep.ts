/** The ring protocol: packets from anybody, refusals, commands and pauses, to members in every phase. */
import {
  encodeAnnounce,
  encodeAssign,
  encodePacket,
  encodePurge,
  encodeRedirect,
  encodeRemoval,
  encodeRepair,
  hasBody,
  MessageType,
  NO_ADDRESS,
} from '@ringmaster/ring';
import { Choices, type Target } from '../target.js';
import { packetSeeds } from './ringPacket.js';
import { RingMember, SELF } from './ringMember.js';

const MAX_INPUTS = 24;
const NOTHING = new Uint8Array(0);
/** Others on both sides of the member. Who speaks is one of them: the session layer proves it, and refuses `NO_ADDRESS`. */
const OTHERS = [0x0a000002, 0x0a000004, 0x0a000006, 0x0a0000f0, 0xffff_ffff_ffff];
/** What a body may speak of. */
const ADDRESSES = [...OTHERS, SELF, NO_ADDRESS];
const TYPES = Object.values(MessageType);

/** Creation times that mean something to this member, and any other. */
function timeOf(choices: Choices, { state }: RingMember): number {
  const { ring, joinTarget, purgedRing } = state;
  const times = [
    ring.createdAt,
    joinTarget,
    purgedRing,
    ring.createdAt + 256,
    Math.max(0, ring.createdAt - 256),
    0,
    1,
  ];
  const which = choices.below(times.length + 1);
  return which < times.length ? times[which] : choices.uint(6) * 256;
}

function announcement(choices: Choices, member: RingMember, address: number): Uint8Array {
  const flags = choices.byte();
  const flag = (bit: number): boolean => (flags & (1 << bit)) !== 0;
  return encodeAnnounce({
    address,
    createdAt: timeOf(choices, member),
    ...{ joining: flag(0), dispatching: flag(1), canDispatch: !flag(2), canServe: !flag(3) },
    ...{ leaving: flag(4), newcomer: flag(5), id: choices.byte(), highestId: choices.byte() },
    ...{ weight: choices.byte(), incarnation: choices.below(3), mac: new Uint8Array(6), services: NOTHING },
  });
}

/** A body that decodes as a rule: only then is there something behind the decoder to reach. */
function bodyOf(type: number, choices: Choices, member: RingMember, from: number): Uint8Array {
  const address = (): number => choices.of(ADDRESSES);
  const createdAt = (): number => timeOf(choices, member);
  switch (type) {
    case MessageType.announce:
      return announcement(choices, member, from);
    case MessageType.purge:
      return encodePurge({
        ...{ purged: createdAt(), createdAt: createdAt(), purger: address(), suspect: address() },
        reason: choices.below(6),
      });
    case MessageType.assign:
      return encodeAssign({ createdAt: createdAt(), address: address(), id: choices.byte() });
    case MessageType.leave:
    case MessageType.splice:
    case MessageType.gone:
      return encodeRemoval({
        createdAt: createdAt(),
        lost: address(),
        upstream: address(),
        downstream: address(),
      });
    case MessageType.repair:
      return encodeRepair({
        createdAt: createdAt(),
        lost: address(),
        detector: address(),
        reverse: choices.below(2) === 1,
      });
    case MessageType.redirect:
      return encodeRedirect({ createdAt: createdAt(), address: address() });
    default:
      return choices.block();
  }
}

function wellFormed(choices: Choices, member: RingMember, from: number): Uint8Array {
  const type = choices.of(TYPES);
  const [ttl, destination, source] = [
    1 + choices.below(255),
    choices.of([0, 255, 1, 2, 3, member.state.id]),
    choices.byte(),
  ];
  const body = hasBody(type) ? bodyOf(type, choices, member, from) : NOTHING;
  return encodePacket([{ ttl, destination, source, type, body }]);
}

function command(choices: Choices, member: RingMember): void {
  const { nowMs } = member;
  const commands = [
    { kind: 'start' },
    { kind: 'leave', reason: 'asked' },
    { kind: 'mapComplete' },
    { kind: 'describe', change: { weight: choices.byte(), canDispatch: choices.below(2) === 1 } },
    { kind: 'send', destination: choices.byte(), body: new Uint8Array(choices.byte()) },
  ] as const;
  member.input({ kind: 'command', command: choices.of(commands), nowMs });
}

/** One thing that happens to the member. */
function happen(choices: Choices, member: RingMember): void {
  const { nowMs } = member;
  const kind = choices.below(8);
  if (kind === 0) return command(choices, member);
  if (kind === 1) return member.pass(2 * choices.byte(), false);
  if (kind === 2) return member.pass(16 * choices.byte(), true);
  if (kind === 3) {
    const address = choices.of(OTHERS);
    return member.input({ kind: choices.below(2) === 0 ? 'refused' : 'peer', address, nowMs });
  }
  const from = choices.of([...OTHERS, SELF]);
  const packet = kind === 4 ? choices.block() : wellFormed(choices, member, from);
  member.input({ kind: 'packet', from, packet, nowMs });
}

/** Started, alone, in a ring with two others, or not started at all. */
function prepare(choices: Choices): RingMember {
  const member = new RingMember();
  const start = choices.below(4);
  if (start === 0) return member;
  member.input({ kind: 'command', command: { kind: 'start' }, nowMs: member.nowMs });
  if (start >= 2) member.pass(600, false);
  if (start === 3) for (const address of [OTHERS[1], OTHERS[2]]) greet(member, address);
  return member;
}

function greet(member: RingMember, address: number): void {
  const { createdAt } = member.state.ring;
  const body = encodeAnnounce({
    ...{
      address,
      createdAt,
      joining: false,
      dispatching: false,
      canDispatch: true,
      canServe: true,
      leaving: false,
    },
    ...{ newcomer: false, id: address & 15, highestId: 6, weight: 1, incarnation: 1, mac: new Uint8Array(6) },
    services: NOTHING,
  });
  const packet = encodePacket([{ ttl: 1, destination: 0, source: 0, type: MessageType.announce, body }]);
  member.input({ kind: 'packet', from: address, packet, nowMs: member.nowMs });
}

const raw = packetSeeds().filter((packet) => packet.length < 256);
const starts = [0, 1, 2, 3];

export const target: Target = {
  maxBytes: 512,
  seeds: () => [
    ...starts.map((start) => Uint8Array.of(start)),
    ...starts.flatMap((start) =>
      raw.map((packet) => Uint8Array.from([start, 4, 0, packet.length, ...packet])),
    ),
    ...TYPES.flatMap((_, type) =>
      starts.slice(1).map((start) => Uint8Array.of(start, 5, 1, type, 0, 1, 2, 0, 0, 0, 0, 0, 0)),
    ),
  ],
  run(input) {
    const choices = new Choices(input);
    const member = prepare(choices);
    for (let n = 0; n < MAX_INPUTS && choices.remaining > 0; n++) happen(choices, member);
    member.pass(300, false);
  },
};
