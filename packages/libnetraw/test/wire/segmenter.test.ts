import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeVnetHeader,
  foldSum,
  MAX_SEGMENTS,
  pseudoHeaderSum4,
  pseudoHeaderSum6,
  readU16,
  readU32,
  Segmenter,
  sumBytes,
  VNET_HEADER_BYTES,
  VnetHeader,
  VnetSegmentation,
  writeU16,
  writeU32,
} from '../../src/wire/index.js';

const START = 16;

interface Shape {
  readonly version: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  /** 32-bit words of options behind the IPv4 and the TCP header. */
  readonly options: number;
  readonly payload: Uint8Array;
  readonly segmentBytes: number;
  readonly tagged: boolean;
  readonly flags: number;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  version: fc.constantFrom(4 as const, 6 as const),
  protocol: fc.constantFrom('tcp' as const, 'udp' as const),
  options: fc.nat(10),
  payload: fc.uint8Array({ minLength: 1, maxLength: 5000 }),
  segmentBytes: fc.integer({ min: 16, max: 1460 }),
  tagged: fc.boolean(),
  flags: fc.nat(255),
});

/** A frame as a packet socket gives it: partly summed, and a super-frame if `isSuper`. */
function frameOf(given: Shape, isSuper: boolean): { memory: Uint8Array; length: number } {
  const { version, protocol, options, payload } = given;
  const isTcp = protocol === 'tcp';
  const link = given.tagged ? 18 : 14;
  const network = version === 4 ? 20 + 4 * options : 40;
  const transport = isTcp ? 20 + 4 * options : 8;
  const length = link + network + transport + payload.length;
  const memory = new Uint8Array(START + length + 4); // padding behind
  const etherType = version === 4 ? 0x0800 : 0x86dd;
  if (given.tagged) writeU32(memory, START + 12, 0x8100_0007);
  writeU16(memory, START + link - 2, etherType);
  const ip = START + link;
  memory[ip] = version === 4 ? 0x40 | (network / 4) : 0x60;
  const inner = transport + payload.length;
  const number = isTcp ? 6 : 17;
  if (version === 4) {
    writeU16(memory, ip + 2, network + inner);
    writeU16(memory, ip + 4, 0xfffe);
    memory[ip + 9] = number;
    writeU32(memory, ip + 12, 0x0a000064);
    writeU32(memory, ip + 16, 0xc0a80107);
    writeU16(memory, ip + 10, ~foldSum(sumBytes(memory, ip, network)) & 0xffff);
  } else {
    writeU16(memory, ip + 4, inner);
    memory[ip + 6] = number;
    memory.fill(0xfd, ip + 8, ip + 24);
    memory.fill(0x31, ip + 24, ip + 40);
  }
  const at = ip + network;
  writeU32(memory, at, (40_000 << 16) | 80);
  if (isTcp) {
    writeU32(memory, at + 4, 0xffff_ff00); // wraps
    memory[at + 12] = (transport / 4) << 4;
    memory[at + 13] = given.flags;
  } else {
    writeU16(memory, at + 4, inner);
  }
  memory.set(payload, at + transport);
  writeU16(memory, at + (isTcp ? 16 : 6), foldSum(pseudoSum(memory, ip, number, inner)));
  const vnet = new VnetHeader();
  vnet.flags = 1;
  vnet.checksumStart = link + network;
  vnet.checksumOffset = isTcp ? 16 : 6;
  if (isSuper) {
    const tcp = version === 4 ? VnetSegmentation.tcp4 | VnetSegmentation.ecn : VnetSegmentation.tcp6;
    vnet.segmentation = isTcp ? tcp : VnetSegmentation.udpL4;
    vnet.segmentBytes = given.segmentBytes;
  }
  encodeVnetHeader(memory, START - VNET_HEADER_BYTES, vnet);
  return { memory, length: length + 4 };
}

function pseudoSum(memory: Uint8Array, ip: number, protocol: number, length: number): number {
  return memory[ip] >>> 4 === 4
    ? pseudoHeaderSum4(readU32(memory, ip + 12), readU32(memory, ip + 16), protocol, length)
    : pseudoHeaderSum6(memory, ip + 8, ip + 24, protocol, length);
}

/** Checks what a receiver would check, and gives what is behind the transport header. */
function receive(packet: Uint8Array, given: Shape): { transport: Uint8Array; payload: Uint8Array } {
  const network = given.version === 4 ? 20 + 4 * given.options : 40;
  if (given.version === 4) {
    expect(readU16(packet, 2)).toBe(packet.length);
    expect(foldSum(sumBytes(packet, 0, network))).toBe(0xffff);
  } else {
    expect(readU16(packet, 4)).toBe(packet.length - 40);
  }
  const inner = packet.length - network;
  const isTcp = given.protocol === 'tcp';
  const sum = sumBytes(packet, network, inner, pseudoSum(packet, 0, isTcp ? 6 : 17, inner));
  expect(foldSum(sum)).toBe(0xffff);
  if (!isTcp) expect(readU16(packet, network + 4)).toBe(inner);
  const transport = packet.subarray(network);
  return { transport, payload: transport.subarray(isTcp ? 20 + 4 * given.options : 8) };
}

function packetsOf(segmenter: Segmenter, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const into = new Uint8Array(segmenter.packetBytes + 7);
    const bytes = segmenter.write(i, into, 7);
    expect(bytes).toBeLessThanOrEqual(segmenter.packetBytes);
    return into.slice(7, 7 + bytes);
  });
}

describe('Segmenter', () => {
  it('finishes partial checksums, and changes nothing else', () => {
    fc.assert(
      fc.property(shape, (given) => {
        const { memory, length } = frameOf(given, false);
        const segmenter = new Segmenter();
        expect(segmenter.read(memory, START, length)).toBe(1);
        const [packet] = packetsOf(segmenter, 1);
        const { payload } = receive(packet, given);
        expect(Buffer.from(payload).equals(given.payload)).toBe(true);
        const field =
          packet.length - given.payload.length - (given.protocol === 'tcp' ? 4 + 4 * given.options : 2);
        const original = memory.slice(START + (given.tagged ? 18 : 14), START + length - 4);
        packet.fill(0, field, field + 2);
        original.fill(0, field, field + 2);
        expect(Buffer.from(packet).equals(original)).toBe(true);
      }),
    );
  });

  it('cuts super-frames into packets that a receiver puts together again', () => {
    fc.assert(
      fc.property(shape, (given) => {
        const { memory, length } = frameOf(given, true);
        const segmenter = new Segmenter();
        const count = segmenter.read(memory, START, length);
        expect(count).toBe(Math.ceil(given.payload.length / given.segmentBytes));
        const parts = packetsOf(segmenter, count).map((packet) => ({ packet, ...receive(packet, given) }));
        expect(Buffer.concat(parts.map(({ payload }) => payload)).equals(given.payload)).toBe(true);
        let skipped = 0;
        for (const [i, { packet, transport, payload }] of parts.entries()) {
          const last = i === count - 1;
          expect(payload.length).toBe(last ? given.payload.length - skipped : given.segmentBytes);
          if (given.version === 4) expect(readU16(packet, 4)).toBe((0xfffe + i) & 0xffff);
          if (given.protocol === 'tcp') {
            expect(readU32(transport, 4)).toBe((0xffff_ff00 + skipped) >>> 0);
            const kept = (last ? 0xff : 0xff & ~0x09) & (i === 0 ? 0xff : 0x7f);
            expect(transport[13]).toBe(given.flags & kept);
          }
          skipped += payload.length;
        }
      }),
    );
  });

  it('leaves a complete checksum alone', () => {
    const { memory, length } = frameOf(
      {
        version: 4,
        protocol: 'tcp',
        options: 0,
        payload: new Uint8Array(9),
        segmentBytes: 0,
        tagged: false,
        flags: 16,
      },
      false,
    );
    memory[START - VNET_HEADER_BYTES] = 0;
    const segmenter = new Segmenter();
    expect(segmenter.read(memory, START, length)).toBe(1);
    const [packet] = packetsOf(segmenter, 1);
    expect(Buffer.from(packet).equals(memory.subarray(START + 14, START + length - 4))).toBe(true);
  });

  it('refuses what would be too many packets', () => {
    const given: Shape = {
      version: 4,
      protocol: 'tcp',
      options: 0,
      payload: new Uint8Array(8 * MAX_SEGMENTS),
      segmentBytes: 8,
      tagged: false,
      flags: 16,
    };
    const at = (payload: Uint8Array): number => {
      const { memory, length } = frameOf({ ...given, payload }, true);
      return new Segmenter().read(memory, START, length);
    };
    expect(at(given.payload)).toBe(MAX_SEGMENTS);
    expect(at(new Uint8Array(8 * MAX_SEGMENTS + 1))).toBe(0);
  });

  it('reads and writes nothing outside, whatever the headers say', () => {
    const damage = fc.array(fc.tuple(fc.nat(70), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(
        shape,
        fc.boolean(),
        damage,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (given, isSuper, bytes, part) => {
          const { memory, length } = frameOf({ ...given, payload: given.payload.subarray(0, 300) }, isSuper);
          for (const [at, value] of bytes) memory[(START - VNET_HEADER_BYTES + at) % memory.length] = value;
          const cut = Math.floor(length * part);
          const segmenter = new Segmenter();
          const count = segmenter.read(memory, START, cut);
          const total = packetsOf(segmenter, Math.min(count, MAX_SEGMENTS)).reduce(
            (sum, packet) => sum + packet.length,
            0,
          );
          expect(count).toBeLessThanOrEqual(MAX_SEGMENTS);
          if (count === 1) expect(total).toBeLessThanOrEqual(cut);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
