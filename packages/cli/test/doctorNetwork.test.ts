import type {
  AddressConflict,
  HostAddress,
  HostLink,
  HostNeighbour,
  HostNetwork,
  NodeConfig,
} from '@ringmaster/node';
import { parseConfig } from '@ringmaster/node';
import { beforeEach, describe, expect, it } from 'vitest';
import type { NetworkContext } from '../src/doctor/context.js';
import type { Finding } from '../src/doctor/finding.js';
import { networkFindings } from '../src/doctor/network.js';

/** What doctor finds on hosts of IPv6 and L4/3 clusters, and on hosts with two cards. */

function config(clusters: string, head = ''): NodeConfig {
  const text = `interface: eth0\n${head}ring: { insecure: true }\nclusters:\n${clusters}`;
  const result = parseConfig(text, '/etc/ringmaster.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

const DIRECT = config('  - { address: 10.0.0.100, ports: [{ port: 80 }] }\n');
const DIRECT6 = config("  - { address: '2001:DB8::100', ports: [{ port: 80 }] }\n");
const NAT = config(
  '  - { address: 10.0.0.100, mode: l4/3, gateway: 10.0.0.99, ports: [{ port: 80, targetPort: 8080 }] }\n',
);
const TWO = config('  - { address: 10.0.0.100, ports: [{ port: 80 }] }\n', 'outside: { interface: eth1 }\n');

const troubles = (findings: readonly Finding[]): string[] =>
  findings
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, what, cure }) => `${level} ${check}: ${what} -> ${cure}`);
const fineOf = (findings: readonly Finding[], check: string): string[] =>
  findings.filter((each) => each.level === 'ok' && each.check === check).map(({ what }) => what);

const card = (name: string, index: number, mtuBytes = 1500): HostLink => ({
  name,
  index,
  mac: Uint8Array.of(2, 0, 0, 0, 0, index),
  mtuBytes,
  up: true,
});

let sysctls: Record<string, string>;
let links: HostLink[];
let addresses: HostAddress[];
let neighbours: HostNeighbour[];
let rules: ReturnType<HostNetwork['rules']>[number][];
let routes: { table: number; gateway: string }[];
let conflict: AddressConflict | undefined;
let asked: string[];
let network: HostNetwork;

beforeEach(() => {
  sysctls = {};
  links = [{ ...card('lo', 1), mac: new Uint8Array(6) }, card('eth0', 2), card('eth1', 3)];
  addresses = [
    { interface: 'eth0', address: '10.0.0.11', prefixLength: 24 },
    { interface: 'eth0', address: '2001:db8::11', prefixLength: 64 },
  ];
  neighbours = [];
  rules = [];
  routes = [];
  conflict = undefined;
  asked = [];
  const refuse = (): never => {
    throw new Error('doctor changes nothing');
  };
  network = {
    links: () => links,
    addresses: () => addresses,
    addAddress: refuse,
    deleteAddress: refuse,
    rules: (family) => rules.filter((rule) => rule.family === family),
    addRule: refuse,
    deleteRule: refuse,
    routes: (family, table) =>
      routes
        .filter((route) => route.table === table && route.gateway.includes(':') === (family === 'ipv6'))
        .map(({ gateway }) => ({ prefixLength: 0, gateway, interface: 'eth0' })),
    addRoute: refuse,
    deleteRoute: refuse,
    neighbours: () => neighbours,
    setNeighbour: refuse,
    deleteNeighbour: refuse,
    readSysctl: (path) => sysctls[path] ?? '0',
    writeSysctl: refuse,
  };
});

const find = (wanted: NodeConfig, change: Partial<NetworkContext> = {}): Promise<Finding[]> =>
  networkFindings({
    network,
    config: wanted,
    running: false,
    mayWriteSysctl: () => true,
    probe: async (link, wantedAddresses) => {
      asked.push(`${link.name} ${wantedAddresses.join()}`);
      return conflict !== undefined && wantedAddresses.includes(conflict.address) ? conflict : undefined;
    },
    ...change,
  });

/** What a node of `NAT` puts on its host. */
function asRunning(): void {
  rules = [
    {
      family: 'ipv4',
      priority: 7400,
      table: 7400,
      ipProtocol: 6,
      sourcePort: 8080,
      from: '10.0.0.11',
    },
  ];
  routes = [{ table: 7400, gateway: '10.0.0.99' }];
  const mac = Uint8Array.of(2, 0x52, 0x4d, 0, 0, 99);
  neighbours = [{ interface: 'eth0', address: '10.0.0.99', mac, state: 'permanent' }];
}

describe('a host of L4/3', () => {
  it('is fine as a plain host has it, and as its node leaves it while it runs', async () => {
    expect(troubles(await find(NAT))).toEqual([]);
    expect(asked).toEqual(['eth0 10.0.0.100', 'eth0 10.0.0.99']);
    asRunning();
    const findings = await find(NAT, { running: true });
    expect(troubles(findings)).toEqual([]);
    expect(fineOf(findings, 'ghost-gateway')).toEqual(['the answers of l4/3 services go through it']);
  });

  it('misses what somebody has taken away from the running node', async () => {
    asRunning();
    rules = [];
    neighbours = [];
    expect(troubles(await find(NAT, { running: true }))).toEqual([
      'error ghost-gateway: missing: 10.0.0.99 at 02:52:4d:00:00:63 on eth0, the rule from 10.0.0.11 ipproto 6 sport 8080 lookup 7400 priority 7400 -> find out who changes routes and rules here; the node puts them back in a second',
    ]);
  });

  it('shows rules and routes that are left though no node runs', async () => {
    asRunning();
    routes.push({ table: 7400, gateway: 'fe80::99' });
    expect(troubles(await find(NAT))).toEqual([
      'warning routing: routing table 7400 has 1 routes and 1 rules, though no node runs -> `ringmaster up` undoes what a dead node left; otherwise run: ip rule del table 7400 (1 times); ip route flush table 7400',
      'warning routing: routing table 7400 has 1 routes and 0 rules, though no node runs -> `ringmaster up` undoes what a dead node left; otherwise run: ip -6 rule del table 7400 (0 times); ip -6 route flush table 7400',
    ]);
  });

  it('finds the gateway with somebody else, on this host, and where nobody would ask for it', async () => {
    conflict = { address: '10.0.0.99', mac: '52:54:00:00:00:01' };
    expect(troubles(await find(NAT))).toEqual([
      'error address-conflict: 10.0.0.99 belongs to 52:54:00:00:00:01 -> take the address away from that host, or choose another ghost gateway',
    ]);
    conflict = undefined;
    addresses.push({ interface: 'eth0', address: '10.0.0.99', prefixLength: 24 });
    expect(troubles(await find(NAT))).toEqual([
      'error ghost-gateway-address: the ghost gateway 10.0.0.99 is on eth0 -> run: ip address del 10.0.0.99 dev eth0',
    ]);
    addresses = [{ interface: 'eth0', address: '10.0.1.11', prefixLength: 24 }];
    expect(troubles(await find(NAT))).toEqual([
      'error ghost-gateway: the ghost gateway 10.0.0.99 is not in the network of eth0 -> choose a free address of the network of eth0',
    ]);
  });

  it('has the cluster address nowhere', async () => {
    addresses.push({ interface: 'lo', address: '10.0.0.100', prefixLength: 32 });
    expect(troubles(await find(NAT))).toEqual([
      'warning cluster-address: 10.0.0.100 is on lo -> run: ip address del 10.0.0.100 dev lo',
    ]);
  });
});

describe('a host of L4/2', () => {
  it('has the cluster address on lo while its node runs', async () => {
    for (const name of ['arp_ignore', 'arp_announce']) sysctls[`net/ipv4/conf/all/${name}`] = '2';
    for (const name of ['arp_ignore', 'arp_announce']) sysctls[`net/ipv4/conf/eth0/${name}`] = '2';
    expect(troubles(await find(DIRECT, { running: true }))).toEqual([
      'error cluster-address: 10.0.0.100 is not on lo -> find out who changes it; the node puts it back in a second',
    ]);
  });
});

describe('a host of IPv6', () => {
  it('is fine with IPv6, and needs no ARP settings', async () => {
    const findings = await find(DIRECT6, { mayWriteSysctl: () => false });
    expect(troubles(findings)).toEqual([]);
    expect(fineOf(findings, 'cluster-address')).toEqual([
      '2001:db8::100 is not on this host; the node will put it on lo',
    ]);
  });

  it('cannot do without', async () => {
    sysctls['net/ipv6/conf/lo/disable_ipv6'] = '1';
    expect(troubles(await find(DIRECT6))).toEqual([
      'error ipv6: IPv6 is disabled on lo, and 2001:db8::100 needs it -> run: sysctl -w net.ipv6.conf.lo.disable_ipv6=0',
    ]);
  });

  it('shows an address that another host has as well', async () => {
    addresses[1] = { ...addresses[1], state: 'duplicate' };
    expect(troubles(await find(DIRECT6))).toEqual([
      'error ipv6: duplicate address detection has failed for 2001:db8::11 of eth0 -> take it away from that host, then run: ip -6 address del 2001:db8::11/64 dev eth0, and add it again',
    ]);
  });
});

describe('a host with two cards', () => {
  it('is asked about on the right sides', async () => {
    expect(troubles(await find(TWO))).toEqual([]);
    expect(asked).toEqual(['eth1 10.0.0.100']);
  });

  it('misses the outer one', async () => {
    links.pop();
    expect(troubles(await find(TWO))).toEqual([
      'error interface: there is no interface eth1 -> this host has eth0; set outside.interface in /etc/ringmaster.yaml',
    ]);
  });

  it('must let in at the inner one what clients sent to the outer one', async () => {
    sysctls['net/ipv4/conf/all/rp_filter'] = '1';
    expect(troubles(await find(TWO))).toEqual([]);
    const cure = 'run: sysctl -w net.ipv4.conf.eth0.rp_filter=2';
    const expected = `error rp-filter: the reverse path filter of eth0 is strict -> ${cure}`;
    const unable = await find(TWO, { mayWriteSysctl: (path) => !path.includes('rp_filter') });
    expect(troubles(unable)).toEqual([expected]);
  });

  it('loses packets of L4/2 that fit outside only; in other cases the sender is told', async () => {
    links = [links[0], card('eth0', 2, 1400), card('eth1', 3)];
    expect(troubles(await find(TWO))).toEqual([
      'warning mtu: eth0 has an MTU of 1400, eth1 one of 1500 -> run: ip link set eth1 mtu 1400, or more inside',
    ]);
    links = [links[0], card('eth0', 2, 9000), card('eth1', 3)];
    const findings = await find(TWO);
    expect(troubles(findings)).toEqual([]);
    expect(fineOf(findings, 'mtu')).toEqual([
      'eth1 has an MTU of 1500, eth0 one of 9000; who sends too much is told so',
    ]);
  });

  it('is quiet on both where all interfaces are', async () => {
    const findings = await find(TWO, { mayWriteSysctl: () => false });
    expect(troubles(findings)[0]).toMatch(/^error arp-ignore: net\/ipv4\/conf\/all\/arp_ignore is 0/);
    sysctls['net/ipv4/conf/all/arp_ignore'] = '1';
    sysctls['net/ipv4/conf/all/arp_announce'] = '2';
    expect(troubles(await find(TWO, { mayWriteSysctl: () => false }))).toEqual([]);
  });
});
