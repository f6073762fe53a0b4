import { describe, expect, it } from 'vitest';
import { OffloadReader } from '../../src/nat/vnet.js';
import { type Built, frameOf, HEADROOM, markPartial, segmentPacket } from './packets.js';

const CLIENT = { address: Uint8Array.of(10, 9, 0, 2), port: 40_000 };
const CLUSTER = { address: Uint8Array.of(10, 0, 0, 100), port: 80 };
const CLIENT_6 = { address: Uint8Array.from({ length: 16 }, (_, i) => i), port: 40_000 };
const SERVER_6 = { address: Uint8Array.from({ length: 16 }, (_, i) => 255 - i), port: 80 };

function build(protocol: number, payloadBytes: number, v6 = false): Built {
  const [from, to] = v6 ? [CLIENT_6, SERVER_6] : [CLIENT, CLUSTER];
  return frameOf(segmentPacket(from, to, protocol, new Uint8Array(payloadBytes), 'partial'));
}

/** Says that the frame is to be cut into segments of `bytes` of payload. */
function markSegments(built: Built, kind: number, bytes: number): void {
  built.memory[1] = kind;
  built.memory.set(new Uint8Array(Uint16Array.of(bytes).buffer), 4);
}

function read(built: Built, headroom = HEADROOM): OffloadReader {
  const reader = new OffloadReader(headroom);
  reader.read(built.memory, built.offset);
  return reader;
}

describe('the offload header', () => {
  it('marks a partial checksum only where it points to', () => {
    const built = build(6, 10);
    expect(read(built).isPartial(built.packet, built.offset)).toBe(false);
    markPartial(built);
    expect(read(built).isPartial(built.packet, built.offset)).toBe(true);
    built.memory[8]++;
    expect(read(built).isPartial(built.packet, built.offset)).toBe(false);
  });

  it('is not there without headroom', () => {
    const built = build(6, 10);
    markPartial(built);
    const reader = read(built);
    expect(reader.isPartial(built.packet, built.offset)).toBe(true);
    // The same reader forgets the last header when a frame has no room for one before it.
    reader.read(built.memory, HEADROOM - 1);
    expect(reader.isPartial(built.packet, built.offset)).toBe(false);
    expect(read(built, 0).isPartial(built.packet, built.offset)).toBe(false);
  });

  it.each([
    ['TCP over IPv4', 6, false, 1, 20 + 20 + 1448],
    ['TCP over IPv4 with ECN', 6, false, 0x81, 20 + 20 + 1448],
    ['TCP over IPv6', 6, true, 4, 40 + 20 + 1448],
    ['UDP in segments', 17, false, 5, 20 + 8 + 1448],
  ] as const)('a super-frame counts by its segments: %s', (_, protocol, v6, kind, expected) => {
    const built = build(protocol, 20_000, v6);
    markSegments(built, kind, 1448);
    expect(read(built).wireBytes(built.memory, built.packet)).toBe(expected);
  });

  it('a frame counts whole: not segmented, of another kind, of segments without length, or smaller than one', () => {
    const built = build(6, 5000);
    const bytes = 20 + 20 + 5000;
    expect(read(built).wireBytes(built.memory, built.packet)).toBe(bytes);
    markSegments(built, 5, 1448);
    expect(read(built).wireBytes(built.memory, built.packet)).toBe(bytes);
    markSegments(built, 1, 0);
    expect(read(built).wireBytes(built.memory, built.packet)).toBe(bytes);
    markSegments(built, 1, 9000);
    expect(read(built).wireBytes(built.memory, built.packet)).toBe(bytes);
  });
});
