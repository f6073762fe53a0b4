/** The ring over Ethernet: a frame gives a packet that makes the same frame again, or nothing. */
import { decodePacket, SEALED_BIT } from '@ringmaster/ring';
import { addressOfMac } from '../../../../packages/transport/dist/ethernet/hardwareAddress.js';
import {
  decodeRingFrame,
  encodeRingFrame,
  RingEtherType,
} from '../../../../packages/transport/dist/ethernet/ringFrame.js';
import { internetChecksum, readU16, writeU16 } from 'libnetraw/wire';
import { Choices, must, type Target } from '../target.js';
import { packetSeeds } from './ringPacket.js';

const MAC_BYTES = 6;
const TYPE_AT = 12;
const PAYLOAD_AT = 14;
const CHECKSUM_AT = 16;
const HEAD_END = 18;
const SOURCE = Uint8Array.of(2, 0, 0, 0, 0, 1);
const TO = 0x020000000002;

/** Makes the checksum right: no mutation would, and behind it is what there is to find. */
function mendChecksum(frame: Uint8Array): void {
  if (frame.length < HEAD_END || readU16(frame, TYPE_AT) !== RingEtherType.plain) return;
  const ids = readU16(frame, PAYLOAD_AT);
  writeU16(frame, CHECKSUM_AT, internetChecksum(frame, HEAD_END, frame.length - HEAD_END, ids));
}

function checkFrame(frame: Uint8Array): void {
  const decoded = decodeRingFrame(frame);
  if (!decoded.ok) return;
  const { from, packet } = decoded;
  must(from === addressOfMac(frame, MAC_BYTES) && from !== 0, `from ${from}`);
  must(packet.length < frame.length, 'a packet larger than its frame');
  const again = encodeRingFrame(addressOfMac(frame), frame.slice(MAC_BYTES, 2 * MAC_BYTES), packet);
  const sealed = (packet[0] & SEALED_BIT) !== 0;
  if (!sealed) must(decodePacket(packet).ok, 'a packet that does not decode');
  // Behind a plain packet there are zeros only; what pads a sealed one is not looked at.
  const compared = sealed ? CHECKSUM_AT + packet.length : Math.max(frame.length, again.length);
  for (let i = 0; i < compared; i++) must((frame[i] ?? 0) === (again[i] ?? 0), `byte ${i} differs`);
}

const asInput = (packet: Uint8Array): Uint8Array =>
  Uint8Array.from([1, ...encodeRingFrame(TO, SOURCE, packet)]);

export const target: Target = {
  maxBytes: 512,
  seeds: () => [...packetSeeds().map(asInput), asInput(new Uint8Array(40).fill(9).with(0, SEALED_BIT + 1))],
  run(input) {
    const choices = new Choices(input);
    const mended = choices.below(4) !== 0;
    const frame = choices.rest();
    if (mended) mendChecksum(frame);
    checkFrame(frame);
  },
};
