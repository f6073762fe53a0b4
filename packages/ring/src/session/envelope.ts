import { ByteReader, ByteWriter } from '../wire/bytes.js';
import { SEALED_BIT } from '../wire/packet.js';

/**
 * The security envelope (R7, R20):
 *
 *   0      1      2              10         14                       end-16
 *   +------+------+--------------+----------+------------------------+---------+
 *   |header| key  | sender epoch | counter  | messages, encrypted    | tag     |
 *   +------+------+--------------+----------+------------------------+---------+
 *
 * `header` is the packet header with bit 7 set. The sender's epoch is drawn at its start (64 random bits), the counter
 * grows with each packet; together they are the AEAD's 96-bit nonce, and all 14 bytes are authenticated.
 */
export const ENVELOPE_HEAD_BYTES = 14;
export const TAG_BYTES = 16;
export const ENVELOPE_BYTES = ENVELOPE_HEAD_BYTES - 1 + TAG_BYTES;
export const EPOCH_BYTES = 8;
const KEY_ID_AT = 1;
const EPOCH_AT = 2;
const COUNTER_AT = EPOCH_AT + EPOCH_BYTES;
export const MAX_COUNTER = 0xffff_ffff;

export interface Envelope {
  readonly messageCount: number;
  readonly keyId: number;
  /** 16 hex digits. */
  readonly epoch: string;
  readonly counter: number;
  /** Views of the packet: to be opened before its memory is used for another. */
  readonly head: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** What the session layer needs of cryptography; the shell does it with node:crypto, a simulator with something cheap. */
export interface Cryptography {
  /** Id of the key that seals now. */
  readonly sealingKeyId: number;
  /** Ciphertext with its tag at the end. `nonce` is 12 bytes. */
  seal(nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** `undefined`: no such key, or not authentic. */
  open(
    keyId: number,
    nonce: Uint8Array,
    associated: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | undefined;
  /** Keyed hash under a secret of this process, 16 bytes. */
  token(data: Uint8Array): Uint8Array;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function toHex(bytes: Uint8Array, from = 0, length = bytes.length - from): string {
  let text = '';
  for (let i = from; i < from + length; i++) text += HEX[bytes[i] as number] as string;
  return text;
}

export function decodeEnvelope(packet: Uint8Array): Envelope | undefined {
  if (packet.length < ENVELOPE_HEAD_BYTES + TAG_BYTES) return undefined;
  const header = packet[0] as number;
  if ((header & SEALED_BIT) === 0) return undefined;
  const keyId = packet[KEY_ID_AT] as number;
  const epoch = toHex(packet, EPOCH_AT, EPOCH_BYTES);
  const counter = new ByteReader(packet, COUNTER_AT).uint(4);
  return {
    messageCount: header & ~SEALED_BIT,
    keyId,
    epoch,
    counter,
    head: packet.subarray(0, ENVELOPE_HEAD_BYTES),
    ciphertext: packet.subarray(ENVELOPE_HEAD_BYTES),
  };
}

/** Seals a plain packet (header byte and messages). */
export function sealPacket(
  plain: Uint8Array,
  epoch: Uint8Array,
  counter: number,
  crypto: Cryptography,
): Uint8Array {
  const head = new ByteWriter(ENVELOPE_HEAD_BYTES)
    .uint((plain[0] as number) | SEALED_BIT, 1)
    .uint(crypto.sealingKeyId, 1)
    .put(epoch)
    .uint(counter, 4)
    .finish();
  const ciphertext = crypto.seal(head.subarray(2), head, plain.subarray(1));
  const packet = new Uint8Array(head.length + ciphertext.length);
  packet.set(head);
  packet.set(ciphertext, head.length);
  return packet;
}

/** The plain packet again, or `undefined` when it is not authentic. */
export function openEnvelope(envelope: Envelope, crypto: Cryptography): Uint8Array | undefined {
  const nonce = envelope.head.subarray(2);
  const messages = crypto.open(envelope.keyId, nonce, envelope.head, envelope.ciphertext);
  if (!messages) return undefined;
  const plain = new Uint8Array(1 + messages.length);
  plain[0] = envelope.messageCount;
  plain.set(messages, 1);
  return plain;
}
