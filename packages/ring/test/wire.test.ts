import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Announce, Message } from '../src/index.js';
import {
  createRing,
  creationTime,
  creationTimeMs,
  decodeAnnounce,
  decodeAssign,
  decodePacket,
  decodePurge,
  decodeRedirect,
  decodeRemoval,
  decodeRepair,
  encodeAnnounce,
  encodeAssign,
  encodePacket,
  encodePurge,
  encodeRedirect,
  encodeRemoval,
  encodeRepair,
  formatIpv4,
  isBetween,
  MessageType,
  packMessages,
  parseIpv4,
  step,
} from '../src/index.js';

const address = fc.integer({ min: 1, max: 2 ** 48 - 1 });
const time = fc.integer({ min: 1, max: 2 ** 53 - 1 });
const id = fc.integer({ min: 0, max: 254 });

const announce: fc.Arbitrary<Announce> = fc.record({
  address,
  createdAt: time,
  joining: fc.boolean(),
  dispatching: fc.boolean(),
  canDispatch: fc.boolean(),
  canServe: fc.boolean(),
  leaving: fc.boolean(),
  newcomer: fc.boolean(),
  id,
  highestId: id,
  weight: fc.integer({ min: 0, max: 65535 }),
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  incarnation: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  services: fc.uint8Array({ maxLength: 255 }),
});

const message: fc.Arbitrary<Message> = fc.record({
  ttl: fc.integer({ min: 1, max: 255 }),
  destination: fc.integer({ min: 0, max: 255 }),
  source: fc.integer({ min: 0, max: 255 }),
  type: fc.constant(0xf0),
  body: fc.uint8Array({ maxLength: 100 }),
});

describe('addresses (R1)', () => {
  it('lie between two others, with the ends wrapping round', () => {
    expect(isBetween(2, 4, 5)).toBe(true);
    expect(isBetween(2, 5, 5)).toBe(false);
    expect(isBetween(6, 1, 2)).toBe(true);
    expect(isBetween(6, 7, 2)).toBe(true);
    expect(isBetween(6, 4, 2)).toBe(false);
    expect(isBetween(4, 9, 4)).toBe(true);
    expect(isBetween(4, 4, 4)).toBe(false);
  });

  it('are in exactly one of the two gaps that two members leave', () => {
    fc.assert(
      fc.property(address, address, address, (a, b, x) => {
        fc.pre(a !== b && x !== a && x !== b);
        expect(isBetween(a, x, b)).not.toBe(isBetween(b, x, a));
      }),
    );
  });

  it('are read and written as text', () => {
    expect(parseIpv4('192.168.1.4')).toBe(0xc0a80104);
    expect(formatIpv4(0xc0a80104)).toBe('192.168.1.4');
    for (const text of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', 'a.b.c.d', '1.2.3.-4'])
      expect(parseIpv4(text)).toBeUndefined();
  });
});

describe('packets (R4)', () => {
  it('have a heartbeat of five bytes: 33 with IPv4 and UDP headers', () => {
    const packet = encodePacket([
      { ttl: 255, destination: 255, source: 1, type: MessageType.heartbeat, body: new Uint8Array(0) },
    ]);
    expect([...packet]).toEqual([1, 255, 255, 1, 1]);
    expect(20 + 8 + packet.length).toBe(33);
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), (messages) => {
        expect(decodePacket(encodePacket(messages))).toEqual({ ok: true, messages });
      }),
    );
  });

  it('are split by size and count, nothing lost that fits', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 300 }), (messages) => {
        const packets = packMessages(messages, 448);
        expect(packets.every((p) => p.length <= 448)).toBe(true);
        const back = packets.flatMap((p) => {
          const decoded = decodePacket(p);
          return decoded.ok ? decoded.messages : [];
        });
        expect(back).toEqual(messages);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['empty', []],
    ['sealed', [0x81, 0]],
    ['truncated', [1, 255, 255, 1]],
    ['truncated', [1, 255, 255, 1, 0x80, 0, 9, 1]],
    ['trailing-bytes', [0, 1]],
    ['zero-ttl', [1, 0, 255, 1, 1]],
  ])('refuse %s', (fault, bytes) => {
    expect(decodePacket(Uint8Array.from(bytes))).toEqual({ ok: false, fault });
  });
});

describe('message bodies', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(announce, address, address, address, time, time, (a, x, y, z, t, u) => {
        expect(decodeAnnounce(encodeAnnounce(a))).toEqual(a);
        const purge = { purged: t, createdAt: u, purger: x, suspect: y, reason: 2 };
        expect(decodePurge(encodePurge(purge))).toEqual(purge);
        const removal = { createdAt: t, lost: x, upstream: y, downstream: z };
        expect(decodeRemoval(encodeRemoval(removal))).toEqual(removal);
        const repair = { createdAt: t, lost: x, detector: y, reverse: true };
        expect(decodeRepair(encodeRepair(repair))).toEqual(repair);
        expect(decodeAssign(encodeAssign({ createdAt: t, address: x, id: 254 }))?.id).toBe(254);
        expect(decodeRedirect(encodeRedirect({ createdAt: t, address: x }))?.address).toBe(x);
      }),
    );
  });

  it('carry a creation time that tells founders of the same millisecond apart (R2)', () => {
    const wallMs = 1_800_000_000_123;
    expect(creationTime(wallMs, 0x0a000001)).not.toBe(creationTime(wallMs, 0x0a000002));
    expect(creationTimeMs(creationTime(wallMs, 0x0a0000ff))).toBe(wallMs);
    expect(Number.isSafeInteger(creationTime(wallMs, 0x0a0000ff))).toBe(true);
  });

  it('are refused when cut off or too long', () => {
    const body = encodeRemoval({ createdAt: 1, lost: 2, upstream: 3, downstream: 4 });
    expect(decodeRemoval(body.subarray(1))).toBeUndefined();
    expect(decodeRemoval(Uint8Array.from([...body, 0]))).toBeUndefined();
  });

  it('are refused when a time cannot be told exactly, which is above 2^53 - 1', () => {
    const bytes = encodeRedirect({ createdAt: 2 ** 53 - 1, address: 1 });
    expect(decodeRedirect(bytes)?.createdAt).toBe(2 ** 53 - 1);
    expect(decodeRedirect(bytes.map((byte, i) => (i === 0 ? 0x20 : i < 7 ? 0 : byte)))).toBeUndefined();
    expect(decodeRedirect(bytes.map((byte, i) => (i < 7 ? 0xff : byte)))).toBeUndefined();
  });

  it('are refused when they speak of nobody, but for the suspect of a purge', () => {
    const createdAt = 256;
    const removal = { createdAt, lost: 1, upstream: 2, downstream: 3 };
    for (const end of ['lost', 'upstream', 'downstream']) {
      expect(decodeRemoval(encodeRemoval({ ...removal, [end]: 0 }))).toBeUndefined();
    }
    const repair = { createdAt, lost: 1, detector: 2, reverse: true };
    expect(decodeRepair(encodeRepair({ ...repair, lost: 0 }))).toBeUndefined();
    expect(decodeRepair(encodeRepair({ ...repair, detector: 0 }))).toBeUndefined();
    expect(decodeAssign(encodeAssign({ createdAt, address: 0, id: 1 }))).toBeUndefined();
    const purge = { purged: 0, createdAt, purger: 1, suspect: 0, reason: 1 };
    expect(decodePurge(encodePurge(purge))).toEqual(purge);
    expect(decodePurge(encodePurge({ ...purge, purger: 0 }))).toBeUndefined();
  });
});

describe('arbitrary bytes', () => {
  const member = () => {
    const mac = new Uint8Array(6);
    const traits = {
      canDispatch: true,
      canServe: true,
      weight: 1,
      services: new Uint8Array(0),
      incarnation: 1,
    };
    const state = createRing({ address: 5, mac, ...traits });
    step(state, { kind: 'command', command: { kind: 'start' }, nowMs: 0 });
    return state;
  };
  const anyBytes = fc.uint8Array({ maxLength: 448 });
  const framed = fc
    .array(fc.tuple(fc.constantFrom(...Object.values(MessageType)), fc.uint8Array({ maxLength: 40 })), {
      maxLength: 5,
    })
    .map((all) =>
      encodePacket(
        all.map(([type, body]) => ({ ttl: 1 + (type % 3) * 100, destination: 255, source: 9, type, body })),
      ),
    );

  it('never make a step throw, and the work of one is bounded (R6)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anyBytes, framed), { maxLength: 20 }),
        fc.integer({ min: 1, max: 9 }),
        (all, from) => {
          const state = member();
          for (const packet of all) {
            const effects = step(state, { kind: 'packet', from, packet, nowMs: 1 });
            expect(effects.length).toBeLessThan(600);
          }
          expect(step(state, { kind: 'timer', timer: 'join', dueMs: 100, nowMs: 100 }).length).toBeLessThan(
            600,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
});
