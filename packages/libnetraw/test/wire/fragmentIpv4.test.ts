import fc from 'fast-check';
import {
  decodeIpv4,
  encodeIpv4,
  fragmentIpv4,
  internetChecksum,
  Ipv4Header,
  WireStatus,
} from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';

function packetOf(payload: Uint8Array, change: (packet: Uint8Array) => void = () => undefined): Uint8Array {
  const packet = new Uint8Array(20 + payload.length);
  const fields = { source: 0x0a000001, destination: 0x0a000002, protocol: 17, payloadLength: payload.length };
  encodeIpv4(packet, 0, { ...fields, identification: 7, dontFragment: false });
  packet.set(payload, 20);
  change(packet);
  return packet;
}

/** Puts fragments together as a host does; also checks that each is a packet by itself. */
function reassemble(fragments: readonly Uint8Array[]): { payload: number[]; more: boolean } {
  const payload: number[] = [];
  const header = new Ipv4Header();
  let more = false;
  for (const fragment of fragments) {
    expect(decodeIpv4(fragment, 0, fragment.length, header)).toBe(WireStatus.ok);
    expect(header.totalLength).toBe(fragment.length);
    expect(internetChecksum(fragment, 0, header.headerLength)).toBe(0);
    expect(header.identification).toBe(7);
    expect(header.fragmentOffset).toBe(payload.length);
    payload.push(...fragment.subarray(header.payloadOffset));
    more = header.moreFragments;
  }
  return { payload, more };
}

describe('fragmentIpv4', () => {
  it('what it cuts is whole again, and no part is too large', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.integer({ min: 28, max: 200 }),
        (payload, mtuBytes) => {
          const fragments = fragmentIpv4(packetOf(payload), mtuBytes);
          for (const fragment of fragments) expect(fragment.length).toBeLessThanOrEqual(mtuBytes);
          expect(reassemble(fragments)).toEqual({ payload: [...payload], more: false });
        },
      ),
    );
  });

  it('cuts a fragment into smaller ones of the same packet', () => {
    const part = packetOf(new Uint8Array(64).fill(9), (packet) => packet.set([0x20, 0x05], 6));
    const fragments = fragmentIpv4(part, 60);
    const words = fragments.map((fragment) => (fragment[6] << 8) | fragment[7]);
    expect(words).toEqual([0x2005, 0x200a]);
  });

  it('leaves what fits, what must not be cut, what is IPv6, and an MTU that nothing fits', () => {
    const payload = new Uint8Array(100);
    const packets: [Uint8Array, number][] = [
      [packetOf(payload), 120],
      [packetOf(payload, (packet) => (packet[6] = 0x40)), 60],
      [packetOf(payload, (packet) => (packet[0] = 0x60)), 60],
      [packetOf(payload), 27],
    ];
    for (const [packet, mtuBytes] of packets) expect(fragmentIpv4(packet, mtuBytes)).toEqual([packet]);
  });

  it('repeats the options that say so', () => {
    const packet = packetOf(new Uint8Array(100));
    const options = [7, 3, 4, 0x82, 4, 1, 2, 1];
    const long = Uint8Array.from([...packet.subarray(0, 20), ...options, ...packet.subarray(20)]);
    long.set([0x47, 0, 0, long.length], 0);
    const [first, later] = fragmentIpv4(long, 68);
    expect([...first.subarray(20, 28)]).toEqual(options);
    expect(later[0]).toBe(0x46);
    expect([...later.subarray(20, 24)]).toEqual([0x82, 4, 1, 2]);
  });

  it('does not read beyond options that lie about their length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 120 }), fc.nat(60), (bytes, mtuBytes) => {
        bytes[0] = 0x40 | (bytes[0] & 15);
        for (const fragment of fragmentIpv4(bytes, mtuBytes))
          expect(fragment.length).toBeLessThanOrEqual(120);
      }),
    );
  });
});
