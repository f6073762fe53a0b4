import { Sightings, type FeatureTrial, type NodeConfig } from '@ringmaster/node';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../src/doctor/catalogue.js';
import { firewallFindings, parseRuleset } from '../src/doctor/firewall.js';
import { kernelFindings, offloadFindings } from '../src/doctor/kernel.js';
import { describeRemedy, persistence } from '../src/doctor/remedy.js';

/** What no network namespace can be made to show: kernels that lack something, cards of another kind, BSD hosts. */

it('has every check in the table of docs/operations.md, and no other', () => {
  const text = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const table = text.slice(text.indexOf('## What `doctor` finds')).split('\n');
  const rows = table.filter((line) => line.startsWith('| `')).map((line) => line.split('|')[1]);
  const names = rows.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  expect(names.sort()).toEqual([...CHECKS].sort());
});

describe('the kernel', () => {
  const config = { workers: 1 } as NodeConfig;
  const trials = (failures: Readonly<Record<string, string>>): FeatureTrial[] =>
    (['packet-ring', 'packet-fanout', 'sock-diag', 'sock-destroy'] as const).map((feature) => ({
      feature,
      ...(failures[feature] === undefined ? {} : { failure: failures[feature] }),
    }));
  const said = (failures: Readonly<Record<string, string>>, workers = 1, capable = true) =>
    kernelFindings(trials(failures), { ...config, workers }, capable).map(
      ({ level, what }) => `${level}: ${what}`,
    );

  it.each([
    [{}, 1, ['ok: packet rings, fan-out, sock_diag and SOCK_DESTROY work']],
    [
      { 'sock-destroy': 'EOPNOTSUPP' },
      1,
      ['warning: this kernel cannot reset what is left at the deadline of a drain (EOPNOTSUPP)'],
    ],
    [
      { 'packet-fanout': 'EINVAL' },
      1,
      ['warning: this kernel cannot share packets among several workers (EINVAL)'],
    ],
    [
      { 'packet-fanout': 'EINVAL' },
      4,
      ['error: this kernel cannot share packets among several workers (EINVAL)'],
    ],
    [
      { 'packet-ring': 'EAFNOSUPPORT' },
      1,
      ['error: this kernel cannot take packets from the interface (EAFNOSUPPORT)'],
    ],
    [
      { 'sock-diag': 'ENOENT' },
      1,
      ['error: this kernel cannot list the connections of this host after a takeover (ENOENT)'],
    ],
  ])('that fails at %j with %i workers', (failures, workers, expected) => {
    expect(said(failures, workers)).toEqual(expected);
  });

  it('is not judged without privileges', () => {
    const denied = { 'packet-ring': 'EPERM', 'sock-destroy': 'EPERM' };
    expect(said(denied, 1, false)).toEqual(['warning: what this kernel can do was not tried']);
    expect(said(denied)).toEqual(['error: packet sockets are refused in spite of the capabilities']);
  });
});

it('a card that merges packets is an error with a remedy', () => {
  const [good, bad] = offloadFindings([
    { name: 'eth0', on: false },
    { name: 'eth1', on: true },
  ]);
  expect(good.level).toBe('ok');
  expect(bad).toMatchObject({ level: 'error', what: 'eth1 merges packets in hardware (LRO)' });
  expect(describeRemedy(bad.remedy!)).toBe('ethtool -K eth1 lro off');
  expect(persistence(bad.remedy!)).toContain('LargeReceiveOffload=no');
});

it('interfaces with dots in their names are written so that sysctl understands them', () => {
  const remedy = { kind: 'sysctl', path: 'net/ipv4/conf/eth0.7/rp_filter', value: '2' } as const;
  expect(describeRemedy(remedy)).toBe('sysctl -w net/ipv4/conf/eth0.7/rp_filter=2');
});

describe('the firewall', () => {
  const ring = { interface: 'eth0', port: 7400, overUdp: true };
  const answer = (...rules: object[]) => {
    const chain = { family: 'inet', table: 't', name: 'in', hook: 'input', policy: 'drop' };
    const all = rules.map((expr) => ({ rule: { family: 'inet', table: 't', chain: 'in', expr } }));
    return { ok: true as const, ruleset: parseRuleset(JSON.stringify({ nftables: [{ chain }, ...all] })) };
  };
  const dport = (protocol: string, right: unknown) => ({
    match: { op: '==', left: { payload: { protocol, field: 'dport' } }, right },
  });
  const dropped = (...rules: object[]) =>
    firewallFindings(answer(...rules), ring, '1').filter(({ level }) => level === 'error').length;
  const accept = { accept: null };

  it.each([
    ['nothing', [], 2],
    ['another port', [[dport('udp', 53), accept]], 2],
    ['the port', [[dport('udp', 7400), accept]], 1],
    ['a set with the port', [[dport('th', { set: [22, 7400] }), accept]], 0],
    ['a range', [[dport('tcp', { range: [7000, 8000] }), accept]], 1],
    ['a named set, which is not looked into', [[dport('udp', '@ports'), accept]], 1],
    [
      'what belongs to something else',
      [[{ match: { op: 'in', left: { ct: { key: 'state' } }, right: ['established'] } }, accept]],
      2,
    ],
    [
      'all of this interface',
      [[{ match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'eth0' } }, accept]],
      0,
    ],
    [
      'all but this interface',
      [[{ match: { op: '!=', left: { meta: { key: 'iifname' } }, right: 'eth0' } }, accept]],
      2,
    ],
    ['a match of iptables', [[{ xt: { type: 'match', name: 'multiport' } }]], 0],
  ])('that accepts %s', (_, rules, count) => {
    expect(dropped(...rules)).toBe(count);
  });

  it('that cannot be asked is said', () => {
    const say = (why: 'no-nft' | 'denied') => firewallFindings({ ok: false, why }, ring, '1')[0];
    expect([say('no-nft').level, say('denied').level]).toEqual(['ok', 'warning']);
  });
});

describe('what is heard on a LAN', () => {
  const frame = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const ETHERNET = '01005e000012 00005e000107 0800';
  const ip = (length: string) => `4500 ${length} 0000 0000 ff70 0000 0a00000c e0000012`;

  it('tells CARP from VRRP', () => {
    const sightings = new Sightings(7400);
    sightings.note(frame(`${ETHERNET} ${ip('0038')} 21 07 00 07 00 01 0000 ${'00'.repeat(28)}`));
    sightings.note(frame(`${ETHERNET} ${ip('0028')} 21 33 c8 01 00 01 0000 0a000064 ${'00'.repeat(8)}`));
    sightings.note(frame(`${ETHERNET} ${ip('0020')} 31 34 64 01 0064 0000 0a000065`));
    expect(sightings.advertisers).toEqual([
      { protocol: 'carp', group: 7, from: '10.0.0.12', addresses: [] },
      { protocol: 'vrrp', group: 51, from: '10.0.0.12', addresses: ['10.0.0.100'] },
      { protocol: 'vrrp', group: 52, from: '10.0.0.12', addresses: ['10.0.0.101'] },
    ]);
  });

  it('takes any bytes, and not more of them than it has room for', () => {
    const sightings = new Sightings(7400);
    for (let i = 0; i < 2000; i++) {
      const from = (0x0a000000 + i).toString(16).padStart(8, '0');
      sightings.note(
        frame(`ffffffffffff 020000000001 0806 0001 0800 0604 0001 02524d000064 ${from} ${'00'.repeat(10)}`),
      );
      sightings.note(frame(`${ETHERNET} ${ip('0020')} 31 34`).subarray(0, i % 40));
      sightings.note(frame(`${ETHERNET} ${ip('0020')} 31 34 64 ff 0064 0000 0a000065`));
    }
    expect(sightings.claims).toHaveLength(256);
    expect(sightings.advertisers).toHaveLength(1);
    expect(sightings.advertisers[0].addresses).toEqual(['10.0.0.101']);
  });
});
