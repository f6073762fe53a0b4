import type { Address } from '@ringmaster/ring';
import { NO_ADDRESS, SEALED_BIT } from '@ringmaster/ring';
import {
  encodeEthernet,
  ETHERNET_HEADER_BYTES,
  isGroupMac,
  MAC_BYTES,
  readU16,
  writeU16,
} from 'libnetraw/wire';
import { addressOfMac, macOfAddress } from './hardwareAddress.js';
import { decodeHardwareFrame, encodeHardwareFrame, type HardwareFault } from './hardwareFrame.js';

/** The two EtherTypes that IEEE 802 (9.2.4) leaves for local experiments: a plain packet, and a sealed one. */
export const RingEtherType = { plain: 0x88b5, sealed: 0x88b6 } as const;

/** Ethernet's least (IEEE 802.3, 3.2.8), without the frame check sequence. */
export const MIN_FRAME_BYTES = 60;
/** A sealed packet stands behind its length, because the padding cannot be told from it. */
const LENGTH_BYTES = 2;

export type FrameFault = HardwareFault | 'not-a-ring-frame' | 'bad-source' | 'bad-length' | 'not-sealed';

export type FrameResult =
  | { readonly ok: true; readonly from: Address; readonly packet: Uint8Array }
  | { readonly ok: false; readonly fault: FrameFault };

/**
 * A whole Ethernet frame with a packet, plain or sealed, padded with zeros here so that no driver pads it with anything
 * else.
 * @param to a ring address, or the ring's broadcast address
 * @param source MAC of the sending interface
 */
export function encodeRingFrame(to: Address, source: Uint8Array, packet: Uint8Array): Uint8Array {
  const sealed = (packet[0] & SEALED_BIT) !== 0;
  const payload = sealed ? withLength(packet) : encodeHardwareFrame(packet);
  const frame = new Uint8Array(Math.max(MIN_FRAME_BYTES, ETHERNET_HEADER_BYTES + payload.length));
  encodeEthernet(frame, 0, macOfAddress(to), source, sealed ? RingEtherType.sealed : RingEtherType.plain);
  frame.set(payload, ETHERNET_HEADER_BYTES);
  return frame;
}

/** Sender and packet of a received frame. Never throws, whatever the bytes. */
export function decodeRingFrame(frame: Uint8Array): FrameResult {
  if (frame.length < ETHERNET_HEADER_BYTES) return failed('truncated');
  const from = addressOfMac(frame, MAC_BYTES);
  if (from === NO_ADDRESS || isGroupMac(frame, MAC_BYTES)) return failed('bad-source');
  const payload = frame.subarray(ETHERNET_HEADER_BYTES);
  switch (readU16(frame, 12)) {
    case RingEtherType.plain: {
      const decoded = decodeHardwareFrame(payload);
      return decoded.ok ? { ok: true, from, packet: decoded.packet } : decoded;
    }
    case RingEtherType.sealed:
      return decodeSealed(from, payload);
    default:
      return failed('not-a-ring-frame');
  }
}

function withLength(packet: Uint8Array): Uint8Array {
  const payload = new Uint8Array(LENGTH_BYTES + packet.length);
  writeU16(payload, 0, packet.length);
  payload.set(packet, LENGTH_BYTES);
  return payload;
}

function decodeSealed(from: Address, payload: Uint8Array): FrameResult {
  if (payload.length < LENGTH_BYTES) return failed('truncated');
  const length = readU16(payload, 0);
  if (length === 0 || LENGTH_BYTES + length > payload.length) return failed('bad-length');
  const packet = payload.slice(LENGTH_BYTES, LENGTH_BYTES + length);
  return (packet[0] & SEALED_BIT) === 0 ? failed('not-sealed') : { ok: true, from, packet };
}

function failed(fault: FrameFault): FrameResult {
  return { ok: false, fault };
}
