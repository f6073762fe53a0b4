import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BROADCAST, decodePacket, encodePacket, MessageType, type Message } from '@ringmaster/ring';
import { addressOfMac, decodeRingFrame, encodeRingFrame, macOfAddress, RingEtherType } from '../src/index.js';
import { decodeHardwareFrame, encodeHardwareFrame } from '../src/ethernet/hardwareFrame.js';

const MAC = Uint8Array.of(0x02, 0, 0x0a, 0, 0, 0x0b);
const NOTHING = new Uint8Array(0);
const HEARTBEAT: Message = {
  ttl: 255,
  destination: 255,
  source: 1,
  type: MessageType.heartbeat,
  body: NOTHING,
};

const byte = fc.integer({ min: 0, max: 255 });
const ttl = fc.integer({ min: 1, max: 255 });
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    ttl,
    destination: byte,
    source: byte,
    type: fc.integer({ min: 0, max: 0x7f }),
    body: fc.constant(NOTHING),
  }),
  fc.record({
    ttl,
    destination: byte,
    source: byte,
    type: fc.integer({ min: 0x80, max: 0xff }),
    body: fc.uint8Array({ maxLength: 60 }),
  }),
);
const packet = fc.array(message, { maxLength: 127 }).map(encodePacket);
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .filter((m) => (m[0] & 1) === 0 && m.some((b) => b > 0));

const padded = (frame: Uint8Array, zeros: number): Uint8Array => {
  const longer = new Uint8Array(frame.length + zeros);
  longer.set(frame);
  return longer;
};
const concat = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe('the hardware frame', () => {
  it("has 8 bytes for a heartbeat, as the seed's: source, destination, checksum, and the message", () => {
    const frame = encodeHardwareFrame(encodePacket([HEARTBEAT]));
    // 01ff + ffff + 0101 = 1.02ff, folded 0300, complemented fcff
    expect([...frame]).toEqual([1, 255, 0xfc, 0xff, 255, 255, 1, MessageType.heartbeat]);
  });

  it('gives every packet back, however much Ethernet pads', () => {
    fc.assert(
      fc.property(packet, fc.nat(50), (bytes, zeros) => {
        const decoded = decodeHardwareFrame(padded(encodeHardwareFrame(bytes), zeros));
        expect(decoded).toEqual({ ok: true, packet: bytes });
      }),
    );
  });

  it('has the ids that its messages have in common, or else nobody and everybody', () => {
    const ids = (...messages: Message[]): number[] => [
      ...encodeHardwareFrame(encodePacket(messages)).slice(0, 2),
    ];
    const between = (source: number, destination: number): Message => ({ ...HEARTBEAT, source, destination });
    expect(ids(between(3, 7))).toEqual([3, 7]);
    expect(ids(between(3, 7), between(3, 7))).toEqual([3, 7]);
    expect(ids(between(3, 7), between(4, 7))).toEqual([0, 7]);
    expect(ids(between(3, 7), between(3, 8))).toEqual([3, 255]);
    expect(ids()).toEqual([0, 255]);
  });

  it('is refused when one bit is wrong', () => {
    const whole = encodeHardwareFrame(encodePacket([HEARTBEAT, { ...HEARTBEAT, source: 2 }]));
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bent = whole.slice();
      bent[bit >> 3] ^= 1 << (bit & 7);
      expect(decodeHardwareFrame(bent).ok).toBe(false);
    }
  });

  it('takes whatever comes: it never throws, and what it accepts is exactly what it would have sent', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, repairChecksum) => {
        const frame = repairChecksum ? withRightChecksum(bytes) : bytes;
        const decoded = decodeHardwareFrame(frame);
        if (!decoded.ok) return;
        expect(decodePacket(decoded.packet).ok).toBe(true);
        const again = encodeHardwareFrame(decoded.packet);
        expect(padded(again, frame.length - again.length)).toEqual(frame);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['shorter than its head', [1, 255, 0], 'truncated'],
    ['cut off in a message', [1, 255, 0, 0, 5, 255, 1], 'truncated'],
    ['cut off in a length', [1, 255, 0, 0, 5, 255, 1, 0x80, 0], 'truncated'],
    ['cut off in a body', [1, 255, 0, 0, 5, 255, 1, 0x80, 0, 4, 1, 2], 'truncated'],
    ['with something behind the end', [1, 255, 0, 0, 5, 255, 1, 1, 0, 0, 9], 'trailing-bytes'],
    ["with ids that are not its messages'", [2, 255, 0, 0, 5, 255, 1, 1], 'wrong-ids'],
    ['of zeros', [0, 0, 0, 0, 0, 0, 0, 0], 'wrong-ids'],
    [
      'with too many messages',
      [1, 255, 0, 0, ...Array(128).fill([5, 255, 1, 1]).flat()],
      'too-many-messages',
    ],
  ])('is refused %s', (_, bytes, fault) => {
    expect(decodeHardwareFrame(withRightChecksum(Uint8Array.from(bytes)))).toEqual({ ok: false, fault });
  });
});

/** The internet checksum once more, in the plainest way. */
function withRightChecksum(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) return bytes;
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (i !== 2 && i !== 3) sum += i % 2 === 0 ? bytes[i] * 256 : bytes[i];
  }
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  const right = bytes.slice();
  right[2] = (~sum >> 8) & 0xff;
  right[3] = ~sum & 0xff;
  return right;
}

describe('the frame around it', () => {
  const sealed = fc.uint8Array({ minLength: 1, maxLength: 500 }).map((bytes) => {
    bytes[0] |= 0x80;
    return bytes;
  });

  it('gives sender and packet back, plain and sealed, and is at least 60 bytes long', () => {
    fc.assert(
      fc.property(fc.oneof(packet, sealed), mac, fc.nat(20), (bytes, source, zeros) => {
        const frame = encodeRingFrame(addressOfMac(MAC), source, bytes);
        expect(frame.length).toBeGreaterThanOrEqual(60);
        expect(frame.slice(0, 12)).toEqual(concat(MAC, source));
        const decoded = decodeRingFrame(padded(frame, zeros));
        expect(decoded).toEqual({ ok: true, from: addressOfMac(source), packet: bytes });
      }),
    );
  });

  it('goes to everybody when the ring broadcasts', () => {
    const frame = encodeRingFrame(BROADCAST, MAC, encodePacket([HEARTBEAT]));
    expect([...frame.slice(0, 6)]).toEqual(Array(6).fill(0xff));
  });

  it('never throws, whatever the bytes and whatever the EtherType says', () => {
    const etherType = fc.constantFrom<number>(RingEtherType.plain, RingEtherType.sealed, 0x0800);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), etherType, (bytes, type) => {
        if (bytes.length >= 14) bytes.set([type >> 8, type & 0xff], 12);
        const decoded = decodeRingFrame(bytes);
        if (decoded.ok) expect(decoded.packet.length).toBeLessThan(bytes.length);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['from nobody', [...MAC, 0, 0, 0, 0, 0, 0, 0x88, 0xb6, 0, 1, 0x81], 'bad-source'],
    ['from a group', [...MAC, 1, 0, 0, 0, 0, 1, 0x88, 0xb6, 0, 1, 0x81], 'bad-source'],
    ['of another protocol', [...MAC, ...MAC, 0x08, 0x00, 0, 1, 0x81], 'not-a-ring-frame'],
    ['without a length', [...MAC, ...MAC, 0x88, 0xb6, 0], 'truncated'],
    ['of length zero', [...MAC, ...MAC, 0x88, 0xb6, 0, 0, 0x81], 'bad-length'],
    ['shorter than it says', [...MAC, ...MAC, 0x88, 0xb6, 0, 2, 0x81], 'bad-length'],
    ['that is not sealed', [...MAC, ...MAC, 0x88, 0xb6, 0, 1, 0x01], 'not-sealed'],
    ['shorter than an Ethernet header', [...MAC, ...MAC, 0x88], 'truncated'],
  ])('is refused %s', (_, bytes, fault) => {
    expect(decodeRingFrame(Uint8Array.from(bytes))).toEqual({ ok: false, fault });
  });
});

describe('a MAC as a ring address', () => {
  it('is the same MAC again, and is ordered as MACs are read', () => {
    fc.assert(
      fc.property(mac, mac, (one, other) => {
        expect(macOfAddress(addressOfMac(one))).toEqual(one);
        const order = Math.sign(addressOfMac(one) - addressOfMac(other));
        expect(order).toBe(Math.sign(Buffer.compare(one, other)));
      }),
    );
  });
});
