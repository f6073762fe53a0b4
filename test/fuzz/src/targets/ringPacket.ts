/** Ring packets, message bodies and the envelope: what decodes is what was encoded, in its one form. */
import { decodeEnvelope } from '../../../../packages/ring/dist/session/envelope.js';
import {
  decodeAnnounce,
  decodeAssign,
  decodePurge,
  decodeRedirect,
  decodeRemoval,
  decodeRepair,
  encodeAnnounce,
  encodeAssign,
  encodePurge,
  encodeRedirect,
  encodeRemoval,
  encodeRepair,
  MessageType,
} from '../../../../packages/ring/dist/wire/messages.js';
import {
  decodePacket,
  DEFAULT_MAX_PACKET_BYTES,
  encodePacket,
  MAX_MESSAGES,
  type Message,
  messageBytes,
  packMessages,
} from '../../../../packages/ring/dist/wire/packet.js';
import { must, type Target } from '../target.js';

type BodyCheck = (body: Uint8Array) => void;

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Decodes, encodes, and decodes again: the same value, and the same bytes where every bit means something. */
function body<T>(
  name: string,
  decode: (b: Uint8Array) => T | undefined,
  encode: (value: T) => Uint8Array,
): BodyCheck {
  return (bytes) => {
    const value = decode(bytes);
    if (value === undefined) return;
    const again = encode(value);
    must(again.length === bytes.length, `${name}: ${bytes.length} bytes became ${again.length}`);
    if (same(again, bytes)) return;
    // Only the unused bits of an announcement's flags may get lost.
    must(name === 'announce' && same(withoutFlags(again), withoutFlags(bytes)), `${name}: other bytes`);
  };
}

const FLAGS_AT = 13;
const withoutFlags = (bytes: Uint8Array): Uint8Array => bytes.with(FLAGS_AT, 0);

const BODIES: readonly (readonly [number, BodyCheck])[] = [
  [MessageType.announce, body('announce', decodeAnnounce, encodeAnnounce)],
  [MessageType.purge, body('purge', decodePurge, encodePurge)],
  [MessageType.assign, body('assign', decodeAssign, encodeAssign)],
  [MessageType.leave, body('removal', decodeRemoval, encodeRemoval)],
  [MessageType.repair, body('repair', decodeRepair, encodeRepair)],
  [MessageType.redirect, body('redirect', decodeRedirect, encodeRedirect)],
];
const bodyOf = new Map(BODIES);

function checkPacket(packet: Uint8Array): void {
  const decoded = decodePacket(packet);
  if (!decoded.ok) return;
  const { messages } = decoded;
  must(messages.length <= MAX_MESSAGES, `${messages.length} messages`);
  must(same(encodePacket(messages), packet), 'another packet');
  for (const message of messages) bodyOf.get(message.type)?.(message.body);
  const packets = packMessages(messages, DEFAULT_MAX_PACKET_BYTES);
  must(
    packets.every((p) => p.length <= DEFAULT_MAX_PACKET_BYTES),
    'a packet over the limit',
  );
  const fitting = messages.filter((m) => 1 + messageBytes(m) <= DEFAULT_MAX_PACKET_BYTES).length;
  must(packets.reduce((sum, p) => sum + p[0], 0) === fitting, 'messages got lost');
}

function checkEnvelope(packet: Uint8Array): void {
  const envelope = decodeEnvelope(packet);
  if (envelope === undefined) return;
  must(envelope.head.length + envelope.ciphertext.length === packet.length, 'bytes got lost');
  must(envelope.messageCount <= MAX_MESSAGES && envelope.counter <= 0xffff_ffff, 'numbers out of range');
  must(/^[0-9a-f]{16}$/.test(envelope.epoch), `epoch ${envelope.epoch}`);
}

const time = 1_700_000_000_000 * 256 + 1;
const bodies = (): readonly [number, Uint8Array][] => [
  [
    MessageType.announce,
    encodeAnnounce({
      ...{ address: 0x0a000001, createdAt: time, joining: true, dispatching: false, canDispatch: true },
      ...{ canServe: true, leaving: false, newcomer: true, id: 1, highestId: 3, weight: 1, incarnation: 7 },
      mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
      services: Uint8Array.of(1, 2, 3),
    }),
  ],
  [MessageType.purge, encodePurge({ purged: time, createdAt: time + 256, purger: 1, suspect: 2, reason: 1 })],
  [MessageType.assign, encodeAssign({ createdAt: time, address: 5, id: 4 })],
  [MessageType.leave, encodeRemoval({ createdAt: time, lost: 1, upstream: 2, downstream: 3 })],
  [MessageType.repair, encodeRepair({ createdAt: time, lost: 1, detector: 2, reverse: true })],
  [MessageType.redirect, encodeRedirect({ createdAt: time, address: 9 })],
];

const message = (type: number, content: Uint8Array): Message => ({
  ttl: 3,
  destination: 255,
  source: 1,
  type,
  body: content,
});

/** One packet of each type, one of all, and two that have no body. */
export function packetSeeds(): Uint8Array[] {
  const messages = bodies().map(([type, content]) => message(type, content));
  const alive = message(MessageType.alive, new Uint8Array(0));
  const heartbeat = message(MessageType.heartbeat, new Uint8Array(0));
  return [[heartbeat], [alive, heartbeat], messages, ...messages.map((m) => [m])].map(encodePacket);
}

export const target: Target = {
  maxBytes: 1500,
  seeds: packetSeeds,
  dictionary: bodies().map(([, content]) => content),
  run(input) {
    checkPacket(input);
    checkEnvelope(input);
    for (const [, check] of BODIES) check(input);
  },
};
