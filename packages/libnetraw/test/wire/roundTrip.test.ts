import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ArpHeader,
  arpFrame,
  compareMac,
  decodeArp,
  decodeEthernet,
  decodeIcmp,
  decodeIpv4,
  decodeTcp,
  decodeUdp,
  decodeVnetHeader,
  encodeEchoRequest,
  encodeIpv4,
  encodeTcp,
  encodeUdp,
  encodeVnetHeader,
  EthernetHeader,
  EtherType,
  formatIpv4,
  formatMac,
  IcmpHeader,
  internetChecksum,
  Ipv4Header,
  isGroupMac,
  isZeroMac,
  macEquals,
  parseIpv4,
  parseMac,
  TcpHeader,
  UdpHeader,
  VnetHeader,
  WireStatus,
} from '../../src/wire/index.js';
import { mac, u16, u32, u8 } from './arbitraries.js';

describe('addresses', () => {
  it('hardware addresses survive text', () => {
    fc.assert(fc.property(mac, (bytes) => void expect(parseMac(formatMac(bytes))).toEqual(bytes)));
    expect(parseMac('02-52-4D-0-0-64')).toEqual(Uint8Array.of(2, 0x52, 0x4d, 0, 0, 0x64));
    for (const bad of ['', '02:52:4d:00:00', '02:52:4d:00:00:64:00', '02:52:4d:00:00:6g', '02524d000064']) {
      expect(parseMac(bad), bad).toBeUndefined();
    }
  });

  it('hardware addresses compare as numbers do', () => {
    fc.assert(
      fc.property(mac, mac, (a, b) => {
        const asNumber = (m: Uint8Array) => m.reduce((n, byte) => n * 256 + byte, 0);
        expect(Math.sign(compareMac(a, b))).toBe(Math.sign(asNumber(a) - asNumber(b)));
        expect(macEquals(a, 0, b, 0)).toBe(asNumber(a) === asNumber(b));
        expect(isGroupMac(a, 0)).toBe(a[0] % 2 === 1);
      }),
    );
    expect(isZeroMac(new Uint8Array(6), 0)).toBe(true);
    expect(isZeroMac(Uint8Array.of(0, 0, 0, 0, 0, 1), 0)).toBe(false);
    expect(macEquals(Uint8Array.of(1, 2, 3, 4, 5, 6), 0, Uint8Array.of(1, 2, 3, 4, 5, 6), 0)).toBe(true);
  });

  it('IPv4 addresses survive text', () => {
    fc.assert(fc.property(u32, (address) => void expect(parseIpv4(formatIpv4(address))).toBe(address)));
    expect(formatIpv4(0x0a000064 | 0)).toBe('10.0.0.100');
    expect(formatIpv4(0xc0a80102 | 0)).toBe('192.168.1.2');
    for (const bad of [
      '',
      '10.0.0',
      '10.0.0.256',
      '10.0.0.01',
      '10.0.0.1.2',
      '10.0.0.-1',
      ' 10.0.0.1',
      '1e1.0.0.1',
    ]) {
      expect(parseIpv4(bad), bad).toBeUndefined();
    }
  });
});

describe('round trips', () => {
  it('ARP in its Ethernet frame', () => {
    fc.assert(
      fc.property(
        mac,
        mac,
        u32,
        mac,
        u32,
        u16,
        (destination, senderMac, senderAddress, targetMac, targetAddress, operation) => {
          const fields = { operation, senderMac, senderAddress, targetMac, targetAddress };
          const frame = arpFrame(destination, senderMac, fields);
          const ethernet = new EthernetHeader();
          expect(decodeEthernet(frame, 0, frame.length, ethernet)).toBe(WireStatus.ok);
          expect(ethernet).toMatchObject({ etherType: EtherType.arp, payloadOffset: 14, payloadLength: 28 });
          expect(frame.subarray(0, 6)).toEqual(destination);
          expect(frame.subarray(6, 12)).toEqual(senderMac);
          const arp = new ArpHeader();
          expect(decodeArp(frame, 14, 28, arp)).toBe(WireStatus.ok);
          expect(arp).toMatchObject({ operation, senderAddress, targetAddress });
          expect(macEquals(frame, arp.senderMacOffset, senderMac, 0)).toBe(true);
          expect(macEquals(frame, arp.targetMacOffset, targetMac, 0)).toBe(true);
        },
      ),
    );
  });

  it('IPv4, with a checksum that verifies', () => {
    fc.assert(
      fc.property(
        u32,
        u32,
        u8,
        u8,
        u16,
        fc.nat(1000),
        fc.boolean(),
        (source, destination, protocol, ttl, identification, payloadLength, dontFragment) => {
          const memory = new Uint8Array(1100);
          encodeIpv4(memory, 7, {
            source,
            destination,
            protocol,
            ttl,
            identification,
            payloadLength,
            dontFragment,
          });
          const header = new Ipv4Header();
          expect(decodeIpv4(memory, 7, 20 + payloadLength + 9, header)).toBe(WireStatus.ok);
          expect(header).toMatchObject({ source, destination, protocol, ttl, identification, dontFragment });
          expect(header).toMatchObject({
            payloadOffset: 27,
            payloadLength,
            moreFragments: false,
            fragmentOffset: 0,
          });
          expect(internetChecksum(memory, 7, 20)).toBe(0);
        },
      ),
    );
  });

  it('TCP', () => {
    fc.assert(
      fc.property(
        u16,
        u16,
        u32,
        u32,
        u8,
        u16,
        fc.nat(500),
        (sourcePort, destinationPort, sequence, acknowledgement, flags, window, payload) => {
          const memory = new Uint8Array(600);
          encodeTcp(memory, 3, { sourcePort, destinationPort, sequence, acknowledgement, flags, window });
          const header = new TcpHeader();
          expect(decodeTcp(memory, 3, 20 + payload, header)).toBe(WireStatus.ok);
          expect(header).toMatchObject({
            sourcePort,
            destinationPort,
            sequence,
            acknowledgement,
            flags,
            window,
          });
          expect(header).toMatchObject({ headerLength: 20, payloadOffset: 23, payloadLength: payload });
        },
      ),
    );
  });

  it('UDP, whose own length decides', () => {
    fc.assert(
      fc.property(u16, u16, fc.nat(500), fc.nat(50), (sourcePort, destinationPort, payloadLength, behind) => {
        const memory = new Uint8Array(600);
        encodeUdp(memory, 5, { sourcePort, destinationPort, payloadLength });
        const header = new UdpHeader();
        expect(decodeUdp(memory, 5, 8 + payloadLength + behind, header)).toBe(WireStatus.ok);
        expect(header).toMatchObject({ sourcePort, destinationPort, payloadOffset: 13, payloadLength });
      }),
    );
  });

  it('ICMP echo, with a checksum that verifies', () => {
    const memory = new Uint8Array(40);
    memory.fill(0x61, 8);
    encodeEchoRequest(memory, 0, 0x1234, 7, 32);
    const header = new IcmpHeader();
    expect(decodeIcmp(memory, 0, 40, header)).toBe(WireStatus.ok);
    expect(header).toMatchObject({ type: 8, code: 0, identifier: 0x1234, sequence: 7, payloadLength: 32 });
    expect(internetChecksum(memory, 0, 40)).toBe(0);
  });

  it('vnet header, in the byte order of the host', () => {
    fc.assert(
      fc.property(
        u8,
        u8,
        u16,
        u16,
        u16,
        u16,
        (flags, segmentation, headerBytes, segmentBytes, checksumStart, checksumOffset) => {
          const header = Object.assign(new VnetHeader(), {
            flags,
            segmentation,
            headerBytes,
            segmentBytes,
            checksumStart,
            checksumOffset,
          });
          const memory = new Uint8Array(12);
          encodeVnetHeader(memory, 2, header);
          expect(new Uint16Array(memory.buffer)[2]).toBe(headerBytes);
          const back = new VnetHeader();
          expect(decodeVnetHeader(memory, 2, 10, back)).toBe(WireStatus.ok);
          expect(back).toEqual(header);
        },
      ),
    );
  });
});
