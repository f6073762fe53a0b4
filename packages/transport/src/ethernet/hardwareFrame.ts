import assert from 'node:assert/strict';
import type { Message } from '@ringmaster/ring';
import {
  decodePacket,
  hasBody,
  ID_EVERYBODY,
  ID_NONE,
  MAX_MESSAGES,
  MESSAGE_HEADER_BYTES,
} from '@ringmaster/ring';
import { internetChecksum, readU16, writeU16 } from 'libnetraw/wire';

/**
 * The seed's minimal hardware frame, the payload of an Ethernet frame that carries a plain ring packet:
 *
 *   0        1             2          4
 *   +--------+-------------+----------+-----------+---------------+
 *   | source | destination | checksum | messages  | zeros, if any |
 *   +--------+-------------+----------+-----------+---------------+
 *
 * A heartbeat is 8 bytes. Source and destination are the ids that all its messages have in common, or else 0 (nobody
 * in particular) and 255 (everybody). The checksum is the internet checksum (RFC 1071) of everything else. Ethernet
 * pads short frames, so messages are not counted: they end where a ttl of zero, which no message has, or the frame does.
 * The zeros do not change the checksum.
 */
export const HARDWARE_HEAD_BYTES = 4;
const CHECKSUM_OFFSET = 2;

export type HardwareFault = 'truncated' | 'checksum' | 'too-many-messages' | 'trailing-bytes' | 'wrong-ids';

export type HardwareResult =
  { readonly ok: true; readonly packet: Uint8Array } | { readonly ok: false; readonly fault: HardwareFault };

/** The hardware frame of a plain packet that the ring core made; of anything else it is an error of the programmer. */
export function encodeHardwareFrame(packet: Uint8Array): Uint8Array {
  const decoded = decodePacket(packet);
  assert(decoded.ok, 'only a packet that decodes can be put into a hardware frame');
  const frame = new Uint8Array(HARDWARE_HEAD_BYTES + packet.length - 1);
  frame[0] = commonId(decoded.messages, 'source', ID_NONE);
  frame[1] = commonId(decoded.messages, 'destination', ID_EVERYBODY);
  frame.set(packet.subarray(1), HARDWARE_HEAD_BYTES);
  writeU16(frame, CHECKSUM_OFFSET, checksumOf(frame));
  return frame;
}

/** The plain packet again, its count restored; trailing zeros are padding. Never throws, whatever the bytes. */
export function decodeHardwareFrame(frame: Uint8Array): HardwareResult {
  if (frame.length < HARDWARE_HEAD_BYTES) return failed('truncated');
  if (readU16(frame, CHECKSUM_OFFSET) !== checksumOf(frame)) return failed('checksum');
  let at = HARDWARE_HEAD_BYTES;
  let count = 0;
  for (; at < frame.length && frame[at] !== 0; count++) {
    if (count === MAX_MESSAGES) return failed('too-many-messages');
    at = messageEnd(frame, at);
    if (at > frame.length) return failed('truncated');
  }
  if (frame.subarray(at).some((byte) => byte !== 0)) return failed('trailing-bytes');
  const packet = new Uint8Array(1 + at - HARDWARE_HEAD_BYTES);
  packet[0] = count;
  packet.set(frame.subarray(HARDWARE_HEAD_BYTES, at), 1);
  return hasIdsOf(packet, frame) ? { ok: true, packet } : failed('wrong-ids');
}

/** Where the message at `at` ends; beyond the frame when it is cut off. */
function messageEnd(frame: Uint8Array, at: number): number {
  const body = at + MESSAGE_HEADER_BYTES;
  if (body > frame.length || !hasBody(frame[at + 3])) return body;
  return body + 2 > frame.length ? body + 2 : body + 2 + readU16(frame, body);
}

function hasIdsOf(packet: Uint8Array, frame: Uint8Array): boolean {
  const decoded = decodePacket(packet);
  if (!decoded.ok) return false;
  const { messages } = decoded;
  return (
    frame[0] === commonId(messages, 'source', ID_NONE) &&
    frame[1] === commonId(messages, 'destination', ID_EVERYBODY)
  );
}

function commonId(messages: readonly Message[], end: 'source' | 'destination', otherwise: number): number {
  const [first] = messages;
  return first && messages.every((message) => message[end] === first[end]) ? first[end] : otherwise;
}

function checksumOf(frame: Uint8Array): number {
  const messageBytes = frame.length - HARDWARE_HEAD_BYTES;
  return internetChecksum(frame, HARDWARE_HEAD_BYTES, messageBytes, readU16(frame, 0));
}

function failed(fault: HardwareFault): HardwareResult {
  return { ok: false, fault };
}
