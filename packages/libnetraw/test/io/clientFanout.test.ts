import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientFanout, fanoutHash4, fanoutHash6, type BpfProgram } from '../../src/index.js';
import { interpret } from './bpfInterpreter.js';

const GATEWAY = Uint8Array.of(2, 0x52, 0x4d, 0, 0, 1);
const CLUSTER = Uint8Array.of(2, 0x52, 0x4d, 0, 0, 0x64);
const gatewayMacs = [Uint8Array.of(2, 0x52, 0x4d, 0, 9, 9), GATEWAY];
const ICMP = 1;
const ICMPV6 = 58;

const address4 = fc.nat(0xffff_ffff);
const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const payload = fc.uint8Array({ minLength: 8, maxLength: 100 });
/** Protocols whose first payload bytes mean nothing to the fan-out. */
const plainProtocol = fc.constantFrom(6, 17, 47, 132);

function packet4(
  source: number,
  destination: number,
  protocol: number,
  body: Uint8Array,
  words = 5,
): Uint8Array {
  const packet = new Uint8Array(words * 4 + body.length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x40 | words;
  packet[9] = protocol;
  view.setUint32(12, source);
  view.setUint32(16, destination);
  packet.set(body, words * 4);
  return packet;
}

function packet6(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  body: Uint8Array,
): Uint8Array {
  const packet = new Uint8Array(40 + body.length);
  packet[0] = 0x60;
  packet[6] = protocol;
  packet.set(source, 8);
  packet.set(destination, 24);
  packet.set(body, 40);
  return packet;
}

/** Of a received frame the program sees the IP header at 0, of one that this host sends the Ethernet header. */
function run(program: BpfProgram, mac: Uint8Array, packet: Uint8Array, packetType = 3): number {
  const frame = new Uint8Array(14 + packet.length);
  frame.set(mac);
  frame.set(packet, 14);
  return interpret(program, frame, { packetType, start: packetType === 4 ? 0 : 14 });
}

describe('the fan-out program agrees with the function', () => {
  const program = clientFanout({ gatewayMacs });

  it('about IPv4 in both directions, whatever options the header has', () => {
    fc.assert(
      fc.property(
        address4,
        address4,
        plainProtocol,
        payload,
        fc.integer({ min: 5, max: 15 }),
        (client, other, protocol, body, words) => {
          const expected = fanoutHash4(client);
          expect(run(program, CLUSTER, packet4(client, other, protocol, body, words))).toBe(expected);
          const reply = packet4(other, client, protocol, body, words);
          expect(run(program, GATEWAY, reply)).toBe(expected);
          expect(run(program, GATEWAY, reply, 4)).toBe(expected);
        },
      ),
    );
  });

  it('about IPv6 in both directions', () => {
    fc.assert(
      fc.property(address6, address6, plainProtocol, payload, (client, other, protocol, body) => {
        const expected = fanoutHash6(client, 0);
        expect(run(program, CLUSTER, packet6(client, other, protocol, body))).toBe(expected);
        const reply = packet6(other, client, protocol, body);
        expect(run(program, GATEWAY, reply)).toBe(expected);
        expect(run(program, GATEWAY, reply, 4)).toBe(expected);
      }),
    );
  });

  it('about ICMP errors: the client of the packet that is quoted', () => {
    fc.assert(
      fc.property(
        address4,
        address4,
        address4,
        fc.constantFrom(3, 4, 5, 11, 12),
        fc.integer({ min: 5, max: 15 }),
        (client, router, cluster, type, words) => {
          const quoted = packet4(cluster, client, 6, new Uint8Array(8));
          const error = Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0, ...quoted);
          expect(run(program, CLUSTER, packet4(router, cluster, ICMP, error, words))).toBe(
            fanoutHash4(client),
          );
          // What a server complains about goes to the client itself.
          expect(run(program, GATEWAY, packet4(cluster, client, ICMP, error, words))).toBe(
            fanoutHash4(client),
          );
          // A fragment behind the first has no ICMP header.
          const fragment = packet4(router, cluster, ICMP, error, words);
          fragment[7] = 1;
          expect(run(program, CLUSTER, fragment)).toBe(fanoutHash4(router));
        },
      ),
    );
  });

  it('about ICMPv6 errors', () => {
    fc.assert(
      fc.property(
        address6,
        address6,
        address6,
        fc.integer({ min: 1, max: 127 }),
        (client, router, cluster, type) => {
          const error = Uint8Array.of(
            type,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            ...packet6(cluster, client, 6, new Uint8Array(8)),
          );
          expect(run(program, CLUSTER, packet6(router, cluster, ICMPV6, error))).toBe(fanoutHash6(client, 0));
          expect(run(program, GATEWAY, packet6(cluster, client, ICMPV6, error))).toBe(fanoutHash6(client, 0));
        },
      ),
    );
  });

  it('about pings: who asks', () => {
    const echo = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, ...packet4(1, 2, 6, new Uint8Array(8)));
    expect(run(program, CLUSTER, packet4(0x0a000002, 0x0a000064, ICMP, echo))).toBe(fanoutHash4(0x0a000002));
    const [client, cluster] = [new Uint8Array(16).fill(7), new Uint8Array(16).fill(8)];
    echo[0] = 128;
    expect(run(program, CLUSTER, packet6(client, cluster, ICMPV6, echo))).toBe(fanoutHash6(client, 0));
  });

  it('about prefixes: neighbours share a ring', () => {
    fc.assert(
      fc.property(
        address4,
        fc.integer({ min: 0, max: 32 }),
        address6,
        fc.integer({ min: 0, max: 128 }),
        (client4, prefix4, client6, prefix6) => {
          const narrow = clientFanout({ gatewayMacs, prefix4, prefix6 });
          const [four, six] = [fanoutHash4(client4, prefix4), fanoutHash6(client6, 0, prefix6)];
          expect(run(narrow, CLUSTER, packet4(client4, 1, 6, new Uint8Array(8)))).toBe(four);
          expect(run(narrow, CLUSTER, packet6(client6, new Uint8Array(16), 6, new Uint8Array(8)))).toBe(six);
          const neighbour = prefix4 === 32 ? client4 : client4 ^ 1;
          expect(fanoutHash4(neighbour, prefix4)).toBe(four);
          const next = client6.slice();
          if (prefix6 < 128) next[15] ^= 1;
          expect(fanoutHash6(next, 0, prefix6)).toBe(six);
        },
      ),
    );
  });
});

describe('for ring 0', () => {
  const program = clientFanout({ gatewayMacs });

  it('are ARP, neighbour discovery, and what is cut off', () => {
    const arp = Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1, ...new Uint8Array(20));
    expect(run(program, new Uint8Array(6).fill(0xff), arp)).toBe(0);
    const body = new Uint8Array(32);
    for (const type of [133, 134, 135, 136, 137]) {
      body[0] = type;
      const packet = packet6(new Uint8Array(16).fill(1), new Uint8Array(16).fill(2), ICMPV6, body);
      expect(run(program, CLUSTER, packet)).toBe(0);
      expect(run(program, GATEWAY, packet)).toBe(0);
    }
    expect(run(program, CLUSTER, packet4(0x0a000002, 1, 6, new Uint8Array(0)).subarray(0, 14))).toBe(0);
    expect(run(program, CLUSTER, new Uint8Array(0))).toBe(0);
  });
});

it('spreads a network of clients over the rings evenly', () => {
  const rings = new Uint32Array(4);
  for (let i = 1; i < 255; i++) rings[fanoutHash4(0x0a000000 + i) % 4]++;
  expect(Math.min(...rings)).toBeGreaterThan(50);
});
