import {
  ALL_NODES,
  arpFrame,
  Icmpv6Type,
  multicastMacOf,
  NeighbourFlag,
  neighbourFrame,
  parseIpv4,
  parseIpv6,
  parseMac,
} from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { virtualMacOf } from '@ringmaster/dispatch';
import {
  arpProbe,
  conflictIn,
  neighbourConflictIn,
  neighbourProbe,
  neighbourProbes,
  probeAddresses,
} from '../../src/host/index.js';

const virtualMac = (address: string): Uint8Array => virtualMacOf(parseIpv4(address)!);

const OWN = parseMac('02:00:00:00:00:11')!;
const OTHER = parseMac('52:54:00:00:00:01')!;
const BROADCAST = new Uint8Array(6).fill(0xff);
const CLUSTER = '10.0.0.100';

function said(
  operation: number,
  senderMac: Uint8Array,
  senderAddress: string,
  targetAddress = '10.0.0.11',
): Uint8Array {
  return arpFrame(OWN, senderMac, {
    operation,
    senderMac,
    senderAddress: parseIpv4(senderAddress)!,
    targetMac: OWN,
    targetAddress: parseIpv4(targetAddress)!,
  });
}

const judge = (frame: Uint8Array) => conflictIn(frame, [CLUSTER], OWN);

describe('judging ARP', () => {
  it('takes a claim of the address by a foreign MAC as a conflict, in a reply and in a request', () => {
    const conflict = { address: CLUSTER, mac: '52:54:00:00:00:01' };
    expect(judge(said(2, OTHER, CLUSTER))).toEqual(conflict);
    expect(judge(said(1, OTHER, CLUSTER))).toEqual(conflict);
  });

  it('knows the cluster by its virtual MAC, and itself', () => {
    expect(judge(said(2, virtualMac(CLUSTER), CLUSTER))).toBeUndefined();
    expect(judge(said(2, OWN, CLUSTER))).toBeUndefined();
  });

  it('does not take the virtual MAC of another cluster for its own', () => {
    expect(judge(said(2, virtualMac('10.0.0.101'), CLUSTER))).toMatchObject({ mac: '02:52:4d:00:00:65' });
  });

  it('ignores other addresses, and nodes that ask at the same moment', () => {
    expect(judge(said(2, OTHER, '10.0.0.12'))).toBeUndefined();
    expect(judge(arpProbe(CLUSTER, OTHER))).toBeUndefined();
  });

  it('takes any bytes for an answer', () => {
    const frame = said(2, OTHER, CLUSTER);
    for (let length = 0; length < frame.length; length++)
      expect(judge(frame.subarray(0, length))).toBeUndefined();
    for (let at = 12; at < 20; at++) {
      const bent = frame.slice();
      bent[at] ^= 0xff;
      expect(judge(bent)).toBeUndefined();
    }
  });
});

it('makes a probe of RFC 5227: broadcast, sender address zero', () => {
  const probe = arpProbe(CLUSTER, OWN);
  expect(probe.subarray(0, 6)).toEqual(BROADCAST);
  expect(Buffer.from(probe.subarray(12)).toString('hex')).toBe(
    '0806' + '0001080006040001' + '020000000011' + '00000000' + '000000000000' + '0a000064',
  );
});

describe('judging neighbour discovery', () => {
  const CLUSTER6 = '2001:db8::100';
  const target = parseIpv6(CLUSTER6)!;

  /** What the owner of an address answers to a probe (RFC 4861, 7.2.4). */
  const advertised = (
    mac: Uint8Array,
    address = target,
    linkAddress: Uint8Array | undefined = mac,
  ): Uint8Array =>
    neighbourFrame(multicastMacOf(ALL_NODES), mac, {
      type: Icmpv6Type.neighbourAdvertisement,
      source: address,
      destination: ALL_NODES,
      target: address,
      flags: NeighbourFlag.override,
      ...(linkAddress && { linkAddress }),
    });
  const judge6 = (frame: Uint8Array) => neighbourConflictIn(frame, [CLUSTER6], OWN);

  it('takes an advertisement by a foreign MAC as a conflict', () => {
    expect(judge6(advertised(OTHER))).toEqual({ address: CLUSTER6, mac: '52:54:00:00:00:01' });
  });

  it('knows the cluster by its virtual MAC, and itself; other addresses are no matter', () => {
    expect(judge6(advertised(virtualMacOf(target)))).toBeUndefined();
    expect(judge6(advertised(OWN))).toBeUndefined();
    expect(judge6(advertised(OTHER, parseIpv6('2001:db8::101')))).toBeUndefined();
  });

  it('ignores nodes that ask at the same moment', () => {
    expect(judge6(neighbourProbe(CLUSTER6, OTHER))).toBeUndefined();
  });

  it('takes any bytes for an answer', () => {
    const frame = advertised(OTHER);
    for (let length = 0; length < frame.length; length++)
      expect(judge6(frame.subarray(0, length))).toBeUndefined();
    for (let at = 12; at < frame.length; at++) {
      const bent = frame.slice();
      bent[at] ^= 0xff;
      // Only traffic class and flow label (14 to 17) are not covered by any check.
      if (at > 17) expect(judge6(bent)).toBeUndefined();
    }
  });

  it('asks without a source address, at the group of the address (RFC 4862, 5.4.2)', () => {
    const probe = neighbourProbe(CLUSTER6, OWN);
    const hex = Buffer.from(probe).toString('hex');
    expect(hex.slice(0, 28)).toBe('3333ff000100' + '020000000011' + '86dd');
    expect(hex.slice(44, 76)).toBe('0'.repeat(32));
    expect(hex.slice(76, 108)).toBe('ff0200000000000000000001ff000100');
    expect(hex.slice(108, 112)).toBe('8700');
    expect(hex.slice(-32)).toBe('20010db8000000000000000000000100');
  });

  it('is done as ARP is', async () => {
    const sent: Uint8Array[] = [];
    const port = {
      send: (frame: Uint8Array) => void sent.push(frame),
      receive: () => (sent.length === 2 ? advertised(OTHER) : undefined),
    };
    const options = { kind: neighbourProbes, addresses: [CLUSTER6], ownMac: OWN, intervalMs: 1 };
    expect(await probeAddresses(port, options)).toEqual({ address: CLUSTER6, mac: '52:54:00:00:00:01' });
    expect(sent).toHaveLength(2);
  });
});

describe('probing', () => {
  const quick = { addresses: [CLUSTER, '10.0.0.101'], ownMac: OWN, intervalMs: 1 };

  it('asks for each address three times before it believes in silence', async () => {
    const sent: Uint8Array[] = [];
    const port = { send: (frame: Uint8Array) => void sent.push(frame), receive: () => undefined };
    expect(await probeAddresses(port, quick)).toBeUndefined();
    expect(sent).toHaveLength(6);
    expect(sent.map((frame) => frame[41])).toEqual([100, 101, 100, 101, 100, 101]);
  });

  it('stops at the first conflict', async () => {
    let probes = 0;
    const answers = [said(2, virtualMac(CLUSTER), CLUSTER), said(2, OTHER, '10.0.0.101')];
    const port = { send: () => void probes++, receive: () => answers.shift() };
    expect(await probeAddresses(port, quick)).toEqual({ address: '10.0.0.101', mac: '52:54:00:00:00:01' });
    expect(probes).toBe(2);
  });

  it('comes to an end under a flood', async () => {
    let received = 0;
    const flood = said(2, OTHER, '10.0.0.12');
    const port = { send: () => undefined, receive: () => (received++, flood) };
    expect(await probeAddresses(port, quick)).toBeUndefined();
    expect(received).toBe(3 * 4096);
  });
});
