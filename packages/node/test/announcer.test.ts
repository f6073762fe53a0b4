import { virtualMacOf } from '@ringmaster/dispatch';
import { formatMac, parseIp } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { announcementsOf, type AnnouncedCluster } from '../src/announcer.js';

const at = (text: string) => ({ address: parseIp(text)!, virtualMac: virtualMacOf(parseIp(text)!) });
const CLUSTERS: AnnouncedCluster[] = [
  at('10.0.0.100'),
  { ...at('10.0.0.101'), gateway: at('10.0.0.99') },
  { ...at('10.0.0.102'), gateway: at('10.0.0.99') },
  { ...at('2001:db8::100'), gateway: at('fe80::99') },
];

/** `interface: source MAC kind`, one for each frame; kind is the EtherType. */
const said = (...args: Parameters<typeof announcementsOf>): string[] =>
  announcementsOf(...args).flatMap(({ interface: name, frames }) =>
    frames.map((frame) => {
      const etherType = Buffer.from(frame.subarray(12, 14)).toString('hex');
      return `${name}: ${formatMac(frame.subarray(6, 12))} ${etherType}`;
    }),
  );

const ADDRESSES = [
  '02:52:4d:00:00:64 0806',
  '02:52:4d:00:00:64 0806',
  '02:52:4d:00:00:65 0806',
  '02:52:4d:00:00:65 0806',
  '02:52:4d:00:00:66 0806',
  '02:52:4d:00:00:66 0806',
  '02:52:4e:00:01:00 86dd',
];
const GATEWAYS = ['02:52:4d:00:00:63 0806', '02:52:4d:00:00:63 0806', '02:52:4e:00:00:99 86dd'];

describe('announcements', () => {
  it('are of all addresses and gateways, each once', () => {
    expect(said(CLUSTERS, 'eth0')).toEqual([...ADDRESSES, ...GATEWAYS].map((frame) => `eth0: ${frame}`));
  });

  it('tell the clients of addresses and the servers of gateways when they are on two sides', () => {
    expect(said(CLUSTERS, 'eth0', 'eth1')).toEqual([
      ...ADDRESSES.map((frame) => `eth1: ${frame}`),
      ...GATEWAYS.map((frame) => `eth0: ${frame}`),
    ]);
    expect(said([at('10.0.0.100')], 'eth0', 'eth1').every((frame) => frame.startsWith('eth1'))).toBe(true);
  });

  it('say of an IPv6 gateway that it is a router, of a cluster address that it is none', () => {
    const [{ frames }] = announcementsOf([CLUSTERS[3]], 'eth0');
    const flags = frames.map((frame) => frame[14 + 40 + 4]);
    expect(flags).toEqual([0x20, 0xa0]);
  });
});
