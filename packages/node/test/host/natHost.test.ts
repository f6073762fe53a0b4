import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareHost, type HostCluster, type PreparedHost, type Probe } from '../../src/host/index.js';
import { ownIdentity } from '../../src/host/processIdentity.js';
import { FakeNetwork, refusal } from './fakeNetwork.js';

/** Hosts of L4/3, of IPv6, and with two cards. */

let directory: string;
let journal: string;
let network: FakeNetwork;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-host-'));
  journal = join(directory, 'node.sock.undo.json');
  network = new FakeNetwork();
  network.addressTable.push(
    { interface: 'eth0', address: 'fe80::11', prefixLength: 64, linkLocal: true },
    { interface: 'eth0', address: '2001:db8::77', prefixLength: 64, state: 'temporary' },
    { interface: 'eth0', address: '2001:db8::11', prefixLength: 64, state: 'tentative' },
  );
});
afterEach(() => rmSync(directory, { recursive: true }));

const nobody: Probe = async () => undefined;
const NAT: HostCluster = {
  address: '10.0.0.100',
  mode: 'l4/3',
  gateway: '10.0.0.99',
  targets: [
    { protocol: 'tcp', port: 8080 },
    { protocol: 'udp', port: 53 },
  ],
};
const NAT6: HostCluster = {
  address: '2001:db8::100',
  mode: 'l4/3',
  gateway: '2001:db8::99',
  targets: [{ protocol: 'tcp', port: 8080 }],
};
const direct = (address: string): HostCluster => ({
  address,
  mode: 'l4/2',
  gateway: undefined,
  targets: [],
});

const prepare = (clusters: readonly HostCluster[], change: { outside?: string; probe?: Probe } = {}) =>
  prepareHost({ network, interface: 'eth0', clusters, journal, probe: nobody, ...change });

async function prepared(
  clusters: readonly HostCluster[],
  change: { outside?: string } = {},
): Promise<PreparedHost> {
  const result = await prepare(clusters, change);
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
}

async function refused(clusters: readonly HostCluster[]): Promise<string> {
  const before = network.state();
  const result = await prepare(clusters);
  expect(network.state()).toEqual(before);
  expect(existsSync(journal)).toBe(false);
  return result.ok ? 'accepted' : `${result.problem.code}: ${result.problem.message}`;
}

function addSecondCard(): void {
  network.linkTable.push({
    name: 'eth1',
    index: 3,
    mac: Uint8Array.of(2, 0, 0, 0, 1, 11),
    mtuBytes: 9000,
    up: true,
  });
}

const NAT_CHANGES = [
  'fix 10.0.0.99 eth0 02:52:4d:00:00:63',
  'add route via 10.0.0.99 eth0 from 10.0.0.11 table 7400',
  'add rule from 10.0.0.11 ipproto 6 sport 8080 lookup 7400 priority 7400',
  'add rule iif lo ipproto 17 sport 53 lookup 7400 priority 7400',
  'add rule from 10.0.0.11 ipproto 17 sport 53 lookup 7400 priority 7400',
];

describe('a host of L4/3', () => {
  it('sends its answers through the ghost gateway: the way first, then what takes it; and undoes it in reverse', async () => {
    const before = network.state();
    const host = await prepared([NAT]);
    expect(network.log.splice(0)).toEqual(NAT_CHANGES);
    expect(host.restore()).toEqual({ undone: 5, warnings: [] });
    expect(network.log).toEqual([
      'delete rule from 10.0.0.11 ipproto 17 sport 53 lookup 7400 priority 7400',
      'delete rule iif lo ipproto 17 sport 53 lookup 7400 priority 7400',
      'delete rule from 10.0.0.11 ipproto 6 sport 8080 lookup 7400 priority 7400',
      'delete route via 10.0.0.99 eth0 table 7400',
      'forget 10.0.0.99 eth0',
    ]);
    expect(network.state()).toEqual(before);
    expect(existsSync(journal)).toBe(false);
  });

  it('does so for each gateway and IP version in a table of its own, and once for clusters that share one', async () => {
    const sharing = { ...NAT, address: '10.0.0.101', targets: [{ protocol: 'tcp', port: 81 }] } as const;
    const other = { ...sharing, address: '10.0.0.102', gateway: '10.0.0.98' };
    await prepared([NAT, sharing, other, NAT6]);
    expect(network.routeTable.map(({ gateway, table }) => [gateway, table])).toEqual([
      ['10.0.0.99', 7400],
      ['10.0.0.98', 7401],
      ['2001:db8::99', 7400],
    ]);
    expect(
      network.ruleTable.map(({ family, table, sourcePort, from }) => [family, table, sourcePort, from]),
    ).toEqual([
      ['ipv4', 7400, 8080, '10.0.0.11'],
      ['ipv4', 7400, 53, undefined],
      ['ipv4', 7400, 53, '10.0.0.11'],
      ['ipv4', 7400, 81, '10.0.0.11'],
      ['ipv4', 7401, 81, '10.0.0.11'],
      ['ipv6', 7400, 8080, '2001:db8::11'],
    ]);
  });

  it('has no rule when it serves nothing', async () => {
    await prepared([{ ...NAT, targets: [] }]);
    expect(network.log).toEqual([]);
  });

  it('has each change in the journal before it is made', async () => {
    network.beforeChange = (change) => {
      const { changes } = JSON.parse(readFileSync(journal, 'utf8')) as { changes: Record<string, string>[] };
      const last = changes[changes.length - 1];
      const mark = { neighbour: last.address, route: last.gateway, rule: `sport ${last.sourcePort}` };
      expect(change).toContain(mark[last.kind as keyof typeof mark]);
    };
    await prepared([NAT]);
    expect(network.log).toHaveLength(5);
  });

  it('is put right by the next start after a crash, and keeps what others have', async () => {
    network.sysctls.set('net/ipv4/tcp_mtu_probing', '0');
    const before = network.state();
    await prepared([NAT, NAT6]);
    const { changes } = JSON.parse(readFileSync(journal, 'utf8')) as { changes: unknown[] };
    writeFileSync(
      journal,
      JSON.stringify({ version: 1, process: { ...ownIdentity(), startTicks: '1' }, changes }),
    );
    const host = await prepared([direct('10.0.0.100')]);
    expect(host.recovered).toEqual({ undone: 9, warnings: [] });
    expect([network.ruleTable, network.routeTable, network.neighbourTable]).toEqual([[], [], []]);
    host.restore();
    expect(network.state()).toEqual(before);
  });

  it('leaves alone what was there before', async () => {
    const host = await prepared([NAT]);
    const { changes } = JSON.parse(readFileSync(journal, 'utf8')) as { changes: unknown[] };
    expect(changes).toHaveLength(5);
    rmSync(journal);
    const again = await prepared([NAT]);
    const before = network.state();
    again.restore();
    expect(network.state()).toEqual(before);
    host.restore();
    expect(network.ruleTable).toEqual([]);
  });

  it('makes anew what an interface that went down took with it', async () => {
    const host = await prepared([NAT]);
    const whole = network.state();
    expect(host.repair()).toEqual([]);
    network.routeTable = [];
    network.neighbourTable = [];
    expect(host.repair()).toEqual([
      '10.0.0.99 at 02:52:4d:00:00:63 on eth0',
      'the route via 10.0.0.99 in table 7400',
    ]);
    expect(network.state()).toEqual(whole);
    network.routeTable = [];
    network.beforeChange = (change) => {
      if (change.startsWith('add route')) throw refusal('ENETDOWN');
    };
    expect(host.repair()).toEqual([]);
    network.beforeChange = () => undefined;
    expect(host.repair()).toEqual(['the route via 10.0.0.99 in table 7400']);
    host.restore();
    expect(host.repair()).toEqual([]);
    expect(network.ruleTable).toEqual([]);
  });

  it('forgets a neighbour that somebody else has fixed meanwhile as little as a route that is not its own', async () => {
    const host = await prepared([NAT]);
    network.setNeighbour('eth0', '10.0.0.99', Uint8Array.of(2, 0, 0, 0, 0, 9));
    host.restore();
    expect(network.neighbourTable).toHaveLength(1);
  });

  it('takes a refusal half-way back', async () => {
    network.beforeChange = (change) => {
      if (change.startsWith('add rule')) throw refusal('EPERM');
    };
    expect(await refused([NAT])).toMatch(/^not-permitted: refused with EPERM/);
  });

  const obstacles: [string, () => HostCluster, string][] = [
    [
      'a gateway in another network',
      () => ({ ...NAT, gateway: '10.0.1.99' }),
      'gateway-elsewhere: the ghost gateway 10.0.1.99 is not in the network of eth0; choose a free address of the network of eth0',
    ],
    [
      'an IPv6 gateway in another network',
      () => ({ ...NAT6, gateway: '2001:db8:0:1::99' }),
      'gateway-elsewhere: the ghost gateway 2001:db8:0:1::99 is not in the network of eth0; choose a free address of the network of eth0',
    ],
    [
      'a gateway that is on the host',
      () => (network.addressTable.push({ interface: 'eth0', address: '10.0.0.99', prefixLength: 24 }), NAT),
      'address-elsewhere: ghost gateway 10.0.0.99 is on eth0 of this host; remove it there (ip address del 10.0.0.99 dev eth0), or configure another ghost gateway',
    ],
    [
      'a table that somebody uses',
      () => (
        network.routeTable.push({ family: 'ipv4', table: 7400, gateway: '10.0.0.1', interface: 'eth0' }),
        NAT
      ),
      'table-in-use: routing table 7400 has other routes than that to the ghost gateway; look at `ip route show table 7400`; if nobody needs it: ip route flush table 7400',
    ],
    [
      'a gateway whose MAC somebody has fixed',
      () => (
        (network.neighbourTable = [
          {
            interface: 'eth0',
            address: '10.0.0.99',
            mac: Uint8Array.of(2, 0, 0, 0, 0, 9),
            state: 'permanent',
          },
        ]),
        NAT
      ),
      'address-conflict: somebody has fixed the MAC of the ghost gateway 10.0.0.99 as 02:00:00:00:00:09; run: ip neighbour del 10.0.0.99 dev eth0',
    ],
    [
      'no IPv6 address of its own',
      () => ((network.addressTable = network.addressTable.slice(0, -1)), { ...NAT6, gateway: 'fe80::99' }),
      'no-address: interface eth0 has no global IPv6 address, and l4/3 at 2001:db8::100 needs one; give it one, like: ip address add 2001:db8::11/64 dev eth0',
    ],
    [
      'IPv6 switched off on the interface',
      () => (network.sysctls.set('net/ipv6/conf/eth0/disable_ipv6', '1'), NAT6),
      'ipv6-disabled: IPv6 is disabled on eth0, and 2001:db8::100 needs it; run: sysctl -w net.ipv6.conf.eth0.disable_ipv6=0',
    ],
  ];
  it.each(obstacles)('does not start with %s', async (_, arrange, expected) => {
    expect(await refused([arrange()])).toBe(expected);
  });

  it('asks whether somebody else is the gateway', async () => {
    const asked: string[][] = [];
    const result = await prepare([NAT], {
      probe: async (link, addresses) => {
        asked.push([link.name, ...addresses]);
        return addresses.includes('10.0.0.99')
          ? { address: '10.0.0.99', mac: '52:54:00:00:00:01' }
          : undefined;
      },
    });
    expect(asked).toEqual([
      ['eth0', '10.0.0.100'],
      ['eth0', '10.0.0.99'],
    ]);
    expect(result.ok ? '' : result.problem.message).toMatch(
      /^ghost gateway 10\.0\.0\.99 belongs to another host/,
    );
  });
});

describe('a host of an IPv6 cluster in L4/2', () => {
  it('puts the address on lo, and needs no ARP settings', async () => {
    const before = network.state();
    const host = await prepared([direct('2001:db8::100')]);
    expect(network.log.splice(0)).toEqual(['add 2001:db8::100/128 lo']);
    host.restore();
    expect(network.log).toEqual(['delete 2001:db8::100/128 lo']);
    expect(network.state()).toEqual(before);
  });

  it('does not start where lo does no IPv6, or the kernel', async () => {
    network.sysctls.set('net/ipv6/conf/lo/disable_ipv6', '1');
    expect(await refused([direct('2001:db8::100')])).toBe(
      'ipv6-disabled: IPv6 is disabled on lo, and 2001:db8::100 needs it; run: sysctl -w net.ipv6.conf.lo.disable_ipv6=0',
    );
    network.sysctls.delete('net/ipv6/conf/lo/disable_ipv6');
    expect(await refused([direct('2001:db8::100')])).toBe(
      'ipv6-disabled: the kernel does no IPv6, as 2001:db8::100 wants it; boot it with IPv6, or configure IPv4 addresses only',
    );
  });

  it('knows its own address: the first that is to stay, or the one that is asked for', async () => {
    expect((await prepared([direct('2001:db8::100')])).interface.address6).toBe('2001:db8::11');
    rmSync(journal);
    const asked = (address6: string) =>
      prepareHost({ network, interface: 'eth0', address6, clusters: [], journal, probe: nobody });
    const chosen = await asked('2001:DB8::77');
    expect(chosen.ok && chosen.value.interface.address6).toBe('2001:db8::77');
    rmSync(journal);
    network.addressTable = network.addressTable.map((entry) =>
      entry.address === '2001:db8::11' ? { ...entry, state: 'duplicate' as const } : entry,
    );
    expect(await asked('2001:db8::11')).toMatchObject({ ok: false, problem: { code: 'address-conflict' } });
    expect(await asked('2001:db8::12')).toMatchObject({ ok: false, problem: { code: 'no-address' } });
  });
});

describe('narrow ways in L4/3', () => {
  const probing = async (cluster: HostCluster, before: string) => {
    network.sysctls.set('net/ipv4/tcp_mtu_probing', before);
    const host = await prepared([cluster]);
    const during = network.sysctls.get('net/ipv4/tcp_mtu_probing');
    host.restore();
    expect(network.sysctls.get('net/ipv4/tcp_mtu_probing')).toBe(before);
    return during;
  };

  it('are found out by TCP itself over IPv4, where the kernel is told of them in vain', async () => {
    expect(await probing(NAT, '0')).toBe('1');
    expect(await probing(NAT, '2')).toBe('2');
  });

  it('are no matter for IPv6 and for L4/2', async () => {
    expect(await probing(NAT6, '0')).toBe('0');
    expect(await probing(direct('10.0.0.100'), '0')).toBe('0');
  });
});

describe('a host with two cards', () => {
  it('is quiet on both of them, and lets in at the inner one what clients sent to the outer one', async () => {
    addSecondCard();
    network.sysctls.set('net/ipv4/conf/all/rp_filter', '1');
    const before = network.state();
    const host = await prepared([direct('10.0.0.100')], { outside: 'eth1' });
    expect(host.outside).toMatchObject({ name: 'eth1', mtuBytes: 9000 });
    expect(network.log.splice(0)).toEqual([
      'all/arp_ignore=1',
      'eth0/arp_ignore=1',
      'eth1/arp_ignore=1',
      'all/arp_announce=2',
      'eth0/arp_announce=2',
      'eth1/arp_announce=2',
      'lo/rp_filter=2',
      'eth0/rp_filter=2',
      'add 10.0.0.100/32 lo',
    ]);
    host.restore();
    expect(network.state()).toEqual(before);
  });

  it('looks for other owners of cluster addresses outside, and of gateways inside', async () => {
    addSecondCard();
    const asked: string[][] = [];
    await prepare([NAT, direct('192.0.2.1')], {
      outside: 'eth1',
      probe: async (link, addresses) => void asked.push([link.name, ...addresses]),
    });
    expect(asked).toEqual([
      ['eth1', '10.0.0.100', '192.0.2.1'],
      ['eth0', '10.0.0.99'],
    ]);
  });

  it('does not start without the second one', async () => {
    expect(await prepare([NAT], { outside: 'eth1' })).toMatchObject({
      ok: false,
      problem: { code: 'no-such-interface', message: 'there is no interface eth1; this host has eth0' },
    });
  });
});

describe('a journal', () => {
  it.each([
    { kind: 'route', table: 254, gateway: '10.0.0.1', interface: 'eth0', source: '10.0.0.11' },
    { kind: 'rule', family: 'ipv4', table: 255, protocol: 'tcp', sourcePort: 80 },
    { kind: 'rule', family: 'ipv4', table: 7400, protocol: 'icmp', sourcePort: 80 },
    { kind: 'neighbour', interface: 'eth0', address: '10.0.0.1', mac: '52:54:00:00:00:01' },
    { kind: 'neighbour', interface: '../x', address: '10.0.0.1', mac: '02:52:4d:00:00:01' },
    { kind: 'address', interface: 'lo', address: 'fe80::1%eth0' },
  ])('that tells of what no node does is not obeyed: %o', async (change) => {
    writeFileSync(
      journal,
      JSON.stringify({ version: 1, process: { ...ownIdentity(), startTicks: '1' }, changes: [change] }),
    );
    expect(await prepare([])).toMatchObject({ ok: false, problem: { code: 'journal-unusable' } });
    expect(network.log).toEqual([]);
  });
});
