import { describe, expect, it } from 'vitest';
import {
  ALL_NODES,
  decodeIpv6,
  decodeNeighbour,
  decodeQuotedIpv4,
  decodeQuotedIpv6,
  encodeIpv4,
  encodeIpv6,
  encodeNeighbour,
  ETHERNET_HEADER_BYTES,
  fillTransportChecksum6,
  formatIp,
  formatMac,
  icmpv6Checksum,
  Icmpv6Type,
  IpProtocol,
  Ipv4Header,
  Ipv6Header,
  multicastMacOf,
  neighbourFrame,
  NeighbourFlag,
  NeighbourMessage,
  parseIpv6,
  readU16,
  solicitedNodeOf,
  wireStatusName,
} from '../../src/wire/index.js';

const address = (text: string): Uint8Array => {
  const parsed = parseIpv6(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
};
const source = address('2001:db8::1');
const destination = address('2001:db8::2');

/** A packet with this next header and payload. */
function packet(protocol: number, payload: readonly number[]): Uint8Array {
  const memory = new Uint8Array(40 + payload.length);
  encodeIpv6(memory, 0, { source, destination, protocol, payloadLength: payload.length, hopLimit: 7 });
  memory.set(payload, 40);
  return memory;
}

function decode(memory: Uint8Array, length = memory.length): { status: string; header: Ipv6Header } {
  const header = new Ipv6Header();
  return { status: wireStatusName(decodeIpv6(memory, 0, length, header)), header };
}

const options = (next: number): number[] => [next, 0, 1, 4, 0, 0, 0, 0];

describe('the IPv6 header', () => {
  it('is written and read', () => {
    const memory = packet(IpProtocol.udp, [1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...memory.subarray(0, 8)]).toEqual([0x60, 0, 0, 0, 0, 8, 17, 7]);
    const { status, header } = decode(memory);
    expect(status).toBe('ok');
    expect(header).toMatchObject({
      ...{
        hopLimit: 7,
        protocol: 17,
        protocolOffset: 6,
        totalLength: 48,
        payloadOffset: 40,
        payloadLength: 8,
      },
      ...{ sourceOffset: 8, destinationOffset: 24, isFragment: false, fragmentOffset: 0 },
    });
    expect([...memory.subarray(8, 24)]).toEqual([...source]);
  });

  it('leads through its extension headers to the payload', () => {
    const memory = packet(0, [...options(60), ...options(51), 6, 1, 0, 0, ...Array<number>(8).fill(0), 9]);
    expect(decode(memory).header).toMatchObject({
      protocol: 6,
      protocolOffset: 56,
      payloadOffset: 68,
      payloadLength: 1,
    });
  });

  it('names the fragment', () => {
    const memory = packet(44, [17, 0, 0x05, 0x39, 1, 2, 3, 4, 0xaa]);
    expect(decode(memory).header).toMatchObject({
      ...{ isFragment: true, moreFragments: true, fragmentOffset: 0x538, identification: 0x01020304 },
      ...{ protocol: 17, payloadOffset: 48, payloadLength: 1, fragmentPartOffset: 48 },
    });
  });

  it('does not take the payload of a later fragment for headers', () => {
    const memory = packet(44, [60, 0, 0, 8, 0, 0, 0, 1, 6, 200]);
    expect(decode(memory)).toMatchObject({ status: 'ok', header: { protocol: 60, payloadOffset: 48 } });
  });

  it('is refused with a reason', () => {
    const status = (protocol: number, payload: readonly number[], length?: number) =>
      decode(packet(protocol, payload), length).status;
    expect(status(6, [], 39)).toBe('truncated');
    expect(status(6, [1, 2], 41)).toBe('truncated');
    expect(decode(Uint8Array.from(packet(6, [])).fill(0x40, 0, 1)).status).toBe('badVersion');
    expect(status(60, [6, 0, 1])).toBe('truncated');
    expect(status(60, [6, 1, 1, 12, 0, 0, 0, 0])).toBe('truncated');
    expect(status(60, [...options(0), ...options(6)])).toBe('unsupported');
    expect(status(43, [6, 0, 0, 1, 0, 0, 0, 0])).toBe('unsupported');
    expect(status(44, [44, 0, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0, 1])).toBe('unsupported');
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => options(n < count - 1 ? 60 : 6)).flat();
    expect([status(60, many(8)), status(60, many(9))]).toEqual(['ok', 'unsupported']);
  });
});

describe('a packet that an ICMP error quotes', () => {
  it('may be cut off behind its headers, and no sooner', () => {
    const memory = packet(6, Array<number>(20).fill(0));
    const header = new Ipv6Header();
    const quoted = (length: number) => wireStatusName(decodeQuotedIpv6(memory, 0, length, header));
    expect([quoted(48), header.payloadLength, header.totalLength]).toEqual(['ok', 8, 60]);
    expect([quoted(40), header.payloadLength]).toEqual(['ok', 0]);
    expect(quoted(39)).toBe('truncated');
    expect(wireStatusName(decodeIpv6(memory, 0, 48, header))).toBe('truncated');
  });

  it('in IPv4 too', () => {
    const memory = new Uint8Array(60);
    encodeIpv4(memory, 0, { source: 1, destination: 2, protocol: 6, payloadLength: 1480 });
    const header = new Ipv4Header();
    const quoted = (length: number) => wireStatusName(decodeQuotedIpv4(memory, 0, length, header));
    expect([quoted(28), header.payloadLength]).toEqual(['ok', 8]);
    expect(quoted(19)).toBe('truncated');
    memory[0] = 0x46;
    expect(quoted(23)).toBe('truncated');
  });
});

describe('neighbour discovery', () => {
  const router = address('fe80::fe');
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 0xfe);

  it('solicits as RFC 4861 says', () => {
    const group = solicitedNodeOf(destination);
    expect(formatIp(group)).toBe('ff02::1:ff00:2');
    expect(formatMac(multicastMacOf(group))).toBe('33:33:ff:00:00:02');
    expect(formatMac(multicastMacOf(ALL_NODES))).toBe('33:33:00:00:00:01');
    const frame = neighbourFrame(multicastMacOf(group), mac, {
      ...{ type: Icmpv6Type.neighbourSolicitation, source: router, destination: group },
      ...{ target: destination, linkAddress: mac },
    });
    expect(frame.length).toBe(86);
    const ip = new Ipv6Header();
    const message = new NeighbourMessage();
    expect(wireStatusName(decodeIpv6(frame, ETHERNET_HEADER_BYTES, 72, ip))).toBe('ok');
    expect(wireStatusName(decodeNeighbour(frame, ip, message))).toBe('ok');
    expect(message).toMatchObject({ type: 135, isProbe: false, targetOffset: 62, linkAddressOffset: 80 });
    expect([...frame.subarray(62, 78)]).toEqual([...destination]);
    expect([...frame.subarray(78)]).toEqual([1, 1, ...mac]);
  });

  it('advertises with its flags, and without an option when there is none', () => {
    const memory = new Uint8Array(72);
    const flags = NeighbourFlag.router | NeighbourFlag.override;
    const fields = {
      type: Icmpv6Type.neighbourAdvertisement,
      source,
      destination: ALL_NODES,
      target: source,
      flags,
    };
    expect(encodeNeighbour(memory, 0, fields)).toBe(64);
    expect(encodeNeighbour(memory, 0, { ...fields, linkAddress: mac })).toBe(72);
    expect(memory[44]).toBe(0xa0);
    expect([...memory.subarray(64)]).toEqual([2, 1, ...mac]);
    expect(icmpv6Checksum(memory, 8, 24, 40, 32)).toBe(0);
  });
});

describe('the transport checksum over IPv6', () => {
  it('agrees with one that was made by hand', () => {
    // 2001:db8::1 -> 2001:db8::2, UDP 1 -> 2, no payload.
    const memory = packet(IpProtocol.udp, [0, 1, 0, 2, 0, 8, 0, 0]);
    fillTransportChecksum6(memory, 40, 8, 8, IpProtocol.udp);
    const words = 2 * (0x2001 + 0x0db8) + 1 + 2 + 8 + 17 + 1 + 2 + 8;
    expect(readU16(memory, 46)).toBe(~words & 0xffff);
  });
});
