import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ArpHeader,
  decodeArp,
  decodeEthernet,
  decodeIcmp,
  decodeIpv4,
  decodeIpv6,
  decodeNeighbour,
  decodeQuotedIpv4,
  decodeQuotedIpv6,
  decodeTcp,
  decodeUdp,
  decodeVnetHeader,
  encodeIpv4,
  encodeTcp,
  encodeUdp,
  EthernetHeader,
  IcmpHeader,
  Ipv4Header,
  Ipv6Header,
  NeighbourMessage,
  TcpHeader,
  UdpHeader,
  VnetHeader,
  wireStatusName,
  WireStatus,
} from '../../src/wire/index.js';
import { decodeInTwoSurroundings } from './arbitraries.js';

type Decoder = (memory: Uint8Array, offset: number, length: number) => object;

function decoder<H extends object>(
  decode: (memory: Uint8Array, offset: number, length: number, into: H) => WireStatus,
  create: () => H,
): Decoder {
  return (memory, offset, length) => {
    const header = create();
    const status = decode(memory, offset, length, header);
    return status === WireStatus.ok ? { ...header } : { status };
  };
}

const neighbourDecoder: Decoder = (memory, offset, length) => {
  const ip = new Ipv6Header();
  const message = new NeighbourMessage();
  const status = decodeIpv6(memory, offset, length, ip);
  if (status !== WireStatus.ok) return { status };
  const inner = decodeNeighbour(memory, ip, message);
  return inner === WireStatus.ok ? { ...message } : { status: inner };
};

const decoders: [string, Decoder][] = [
  ['ethernet', decoder(decodeEthernet, () => new EthernetHeader())],
  ['arp', decoder(decodeArp, () => new ArpHeader())],
  ['ipv4', decoder(decodeIpv4, () => new Ipv4Header())],
  ['tcp', decoder(decodeTcp, () => new TcpHeader())],
  ['udp', decoder(decodeUdp, () => new UdpHeader())],
  ['icmp', decoder(decodeIcmp, () => new IcmpHeader())],
  ['ipv6', decoder(decodeIpv6, () => new Ipv6Header())],
  ['quoted ipv4', decoder(decodeQuotedIpv4, () => new Ipv4Header())],
  ['quoted ipv6', decoder(decodeQuotedIpv6, () => new Ipv6Header())],
  ['neighbour', neighbourDecoder],
  ['vnet', decoder(decodeVnetHeader, () => new VnetHeader())],
];

/** Random bytes, with a good chance of passing the first checks of each decoder. */
const bytes = fc
  .tuple(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(undefined, 0x45, 0x4f, 0x46, 0x60, 0))
  .map(([array, first]) => {
    if (first !== undefined && array.length > 0) array[0] = first;
    if (first === 0x60) {
      if (array.length > 8)
        array.set([0, Math.max(0, array.length - 40), [0, 43, 44, 51, 58, 60][array[6] % 6], 255], 4);
      return array;
    }
    if (first !== undefined && array.length > 12) array[12] = 0x50;
    if (first !== undefined && array.length > 4) array.set([0, array.length - (array[3] % 3)], 2);
    if (first === 0 && array.length > 8) array.set([0, 1, 8, 0, 6, 4, 0, 1], 0);
    return array;
  });

describe.each(decoders)('%s', (_name, decode) => {
  it('never throws and is decided by the given bytes alone', () => {
    fc.assert(
      fc.property(bytes, (array) => {
        const { zeros, ones } = decodeInTwoSurroundings(array, decode);
        expect(zeros).toEqual(ones);
      }),
      { numRuns: 2000 },
    );
  });

  it('says truncated when there is nothing', () => {
    expect(decode(new Uint8Array(64), 5, 0)).toEqual({ status: WireStatus.truncated });
  });

  it('says where the payload is only within the given bytes', () => {
    fc.assert(
      fc.property(bytes, (array) => {
        const header = decode(array, 0, array.length) as { payloadOffset?: number; payloadLength?: number };
        if (header.payloadOffset === undefined) return;
        expect(header.payloadLength).toBeGreaterThanOrEqual(0);
        expect(header.payloadOffset + (header.payloadLength ?? 0)).toBeLessThanOrEqual(array.length);
      }),
    );
  });
});

describe('each refusal has its status', () => {
  const ipv4 = (change: (memory: Uint8Array) => void, length = 40): string => {
    const memory = new Uint8Array(64);
    encodeIpv4(memory, 0, { source: 1, destination: 2, protocol: 6, payloadLength: 20 });
    change(memory);
    return wireStatusName(decodeIpv4(memory, 0, length, new Ipv4Header()));
  };

  it('ipv4', () => {
    expect(ipv4(() => {})).toBe('ok');
    expect(ipv4((m) => (m[0] = 0x65))).toBe('badVersion');
    expect(ipv4((m) => (m[0] = 0x44))).toBe('badHeaderLength');
    expect(ipv4((m) => (m[3] = 19))).toBe('badLength');
    expect(ipv4((m) => m.set([0x4f], 0))).toBe('badLength');
    expect(ipv4((m) => (m[3] = 41))).toBe('truncated');
    expect(ipv4(() => {}, 19)).toBe('truncated');
  });

  it('ipv4 fragments are told', () => {
    const memory = new Uint8Array(64);
    encodeIpv4(memory, 0, { source: 1, destination: 2, protocol: 6, payloadLength: 20 });
    memory.set([0x20, 0x02], 6);
    const header = new Ipv4Header();
    decodeIpv4(memory, 0, 40, header);
    expect(header).toMatchObject({ moreFragments: true, dontFragment: false, fragmentOffset: 16 });
  });

  it('ipv4 options move the payload', () => {
    const memory = new Uint8Array(64);
    encodeIpv4(memory, 0, { source: 1, destination: 2, protocol: 6, payloadLength: 20 });
    memory[0] = 0x47;
    const header = new Ipv4Header();
    decodeIpv4(memory, 0, 40, header);
    expect(header).toMatchObject({ headerLength: 28, payloadOffset: 28, payloadLength: 12 });
  });

  it('tcp', () => {
    const memory = new Uint8Array(60);
    encodeTcp(memory, 0, { sourcePort: 1, destinationPort: 2, flags: 2 });
    const status = (length: number) => wireStatusName(decodeTcp(memory, 0, length, new TcpHeader()));
    expect([status(20), status(19)]).toEqual(['ok', 'truncated']);
    memory[12] = 0x40;
    expect(status(20)).toBe('badHeaderLength');
    memory[12] = 0x60;
    expect([status(23), status(24)]).toEqual(['badHeaderLength', 'ok']);
  });

  it('udp', () => {
    const memory = new Uint8Array(60);
    encodeUdp(memory, 0, { sourcePort: 1, destinationPort: 2, payloadLength: 4 });
    const status = (length: number) => wireStatusName(decodeUdp(memory, 0, length, new UdpHeader()));
    expect([status(12), status(11), status(7)]).toEqual(['ok', 'truncated', 'truncated']);
    memory[5] = 7;
    expect(status(12)).toBe('badLength');
  });

  it('arp', () => {
    const good = [0, 1, 8, 0, 6, 4, 0, 1];
    const status = (head: number[]) => {
      const memory = new Uint8Array(28);
      memory.set(head);
      return wireStatusName(decodeArp(memory, 0, 28, new ArpHeader()));
    };
    expect(status(good)).toBe('ok');
    expect(status([0, 6, 8, 0, 6, 4])).toBe('unsupported');
    expect(status([0, 1, 0x86, 0xdd, 6, 4])).toBe('unsupported');
    expect(status([0, 1, 8, 0, 8, 4])).toBe('badHeaderLength');
    expect(status([0, 1, 8, 0, 6, 16])).toBe('badHeaderLength');
    expect(wireStatusName(99 as WireStatus)).toBe('unknown');
  });
});
