import { ByteReader } from './bytes.js';
import type { Announce } from './messages.js';

/**
 * A ring packet (R4): one header byte, then messages. Bits 0-6 of the header count the messages, bit 7 says that a
 * security envelope stands between the header and the messages (R7, `session/envelope.ts`).
 *
 * A message starts with four bytes - ttl, destination id, source id, type. Types below 0x80 end there (so a heartbeat
 * is a 33-byte datagram with its IPv4 and UDP headers); types from 0x80 on carry a 2-byte length and a body, so that a
 * member can forward what it does not understand (R6).
 */
export interface Message {
  readonly ttl: number;
  readonly destination: number;
  readonly source: number;
  readonly type: number;
  /** Empty for types below 0x80. */
  readonly body: Uint8Array;
  /** What the body of an announcement says, once somebody has asked (`readAnnounce`). */
  announce?: Announce | undefined;
}

export const MAX_MESSAGES = 127;
export const SEALED_BIT = 0x80;
export const MESSAGE_HEADER_BYTES = 4;
/** Largest packet by default, envelope included: no fragments on any path (R4). */
export const DEFAULT_MAX_PACKET_BYTES = 448;

/** Ids (R4): 1 to 254 name a member. */
export const ID_NONE = 0;
export const ID_EVERYBODY = 255;
export const MAX_ID = 254;

export type PacketFault = 'empty' | 'sealed' | 'truncated' | 'trailing-bytes' | 'zero-ttl';

export type PacketResult =
  | { readonly ok: true; readonly messages: readonly Message[] }
  | { readonly ok: false; readonly fault: PacketFault };

const NO_BODY = new Uint8Array(0);

export function hasBody(type: number): boolean {
  return type >= 0x80;
}

/** Decodes an opened (unsealed) packet. Never throws, whatever the bytes. */
export function decodePacket(bytes: Uint8Array): PacketResult {
  if (bytes.length === 0) return { ok: false, fault: 'empty' };
  const header = bytes[0] as number;
  if (header & SEALED_BIT) return { ok: false, fault: 'sealed' };
  const reader = new ByteReader(bytes, 1);
  const messages: Message[] = [];
  for (let i = 0; i < header; i++) {
    const ttl = reader.uint(1);
    const destination = reader.uint(1);
    const source = reader.uint(1);
    const type = reader.uint(1);
    const body = hasBody(type) ? reader.take(reader.uint(2)) : NO_BODY;
    if (reader.bad) return { ok: false, fault: 'truncated' };
    if (ttl === 0) return { ok: false, fault: 'zero-ttl' };
    messages.push({ ttl, destination, source, type, body, announce: undefined });
  }
  if (reader.remaining > 0) return { ok: false, fault: 'trailing-bytes' };
  return { ok: true, messages };
}

export function messageBytes(message: Message): number {
  return MESSAGE_HEADER_BYTES + (hasBody(message.type) ? 2 + message.body.length : 0);
}

/** Encodes messages as one packet. The caller keeps within `MAX_MESSAGES` and the packet size (`packMessages`). */
export function encodePacket(messages: readonly Message[]): Uint8Array {
  let length = 1;
  for (const message of messages) length += messageBytes(message);
  const bytes = new Uint8Array(length);
  bytes[0] = messages.length;
  let at = 1;
  for (const { ttl, destination, source, type, body } of messages) {
    bytes[at++] = ttl;
    bytes[at++] = destination;
    bytes[at++] = source;
    bytes[at++] = type;
    if (!hasBody(type)) continue;
    bytes[at++] = body.length >> 8;
    bytes[at++] = body.length;
    bytes.set(body, at);
    at += body.length;
  }
  return bytes;
}

/** Splits messages over as many packets as the size limit asks for; one too large for any packet is left out. */
export function packMessages(messages: readonly Message[], maxPacketBytes: number): Uint8Array[] {
  const first = messages[0];
  if (first && messages.length === 1 && 1 + messageBytes(first) <= maxPacketBytes)
    return [encodePacket(messages)];
  const packets: Uint8Array[] = [];
  let batch: Message[] = [];
  let batchBytes = 1;
  const flush = (): void => {
    if (batch.length > 0) packets.push(encodePacket(batch));
    batch = [];
    batchBytes = 1;
  };
  for (const message of messages) {
    const bytes = messageBytes(message);
    if (1 + bytes > maxPacketBytes) continue;
    if (batch.length === MAX_MESSAGES || batchBytes + bytes > maxPacketBytes) flush();
    batch.push(message);
    batchBytes += bytes;
  }
  flush();
  return packets;
}
