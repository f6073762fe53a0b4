import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectLeftover, prepareHost, type HostCluster, type PreparedHost } from '../../src/host/index.js';
import { ownIdentity } from '../../src/host/processIdentity.js';
import { FakeNetwork, refusal } from './fakeNetwork.js';

let directory: string;
let journal: string;
let network: FakeNetwork;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-host-'));
  journal = join(directory, 'node.sock.undo.json');
  network = new FakeNetwork();
});
afterEach(() => rmSync(directory, { recursive: true }));

const nobody = async (): Promise<undefined> => undefined;

const direct = (...addresses: string[]): HostCluster[] =>
  addresses.map((address) => ({ address, mode: 'l4/2', gateway: undefined, targets: [] }));

const prepare = (clusterAddresses = ['10.0.0.100'], probe: typeof nobody = nobody) =>
  prepareHost({ network, interface: 'eth0', clusters: direct(...clusterAddresses), journal, probe });

async function prepared(clusterAddresses?: string[]): Promise<PreparedHost> {
  const result = await prepare(clusterAddresses);
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
}

/** The journal of a node that is no more: same boot, a pid with another start. */
function leaveBehind(changes: unknown[], identity: object = { startTicks: '1' }): void {
  const content = { version: 1, process: { ...ownIdentity(), ...identity }, changes };
  writeFileSync(journal, JSON.stringify(content));
}

describe('taking a host into the cluster', () => {
  it('sets ARP before the address appears, and undoes it in reverse', async () => {
    const before = network.state();
    const host = await prepared();
    expect(network.log.splice(0)).toEqual([
      'all/arp_ignore=1',
      'eth0/arp_ignore=1',
      'all/arp_announce=2',
      'eth0/arp_announce=2',
      'add 10.0.0.100/32 lo',
    ]);
    expect(host.restore()).toEqual({ undone: 5, warnings: [] });
    expect(network.log).toEqual([
      'delete 10.0.0.100/32 lo',
      'eth0/arp_announce=0',
      'all/arp_announce=0',
      'eth0/arp_ignore=0',
      'all/arp_ignore=0',
    ]);
    expect(network.state()).toEqual(before);
    expect(readdirSync(directory)).toEqual([]);
    expect(host.restore()).toEqual({ undone: 0, warnings: [] });
  });

  it('has each change in the journal before it is made', async () => {
    network.beforeChange = (change) => {
      const { changes } = JSON.parse(readFileSync(journal, 'utf8')) as { changes: Record<string, string>[] };
      const last = changes[changes.length - 1];
      expect(change).toContain(last.kind === 'address' ? last.address : `=${last.after}`);
    };
    await prepared();
    expect(network.log).toHaveLength(5);
    network.beforeChange = () => undefined;
  });

  it('tells the ring address, MAC and broadcast address', async () => {
    const { interface: link } = await prepared();
    expect(link).toEqual({
      name: 'eth0',
      index: 2,
      mac: Uint8Array.of(2, 0, 0, 0, 0, 11),
      mtuBytes: 1500,
      address: '10.0.0.11',
      prefixLength: 24,
      broadcast: '10.0.0.255',
    });
  });

  it('does not take away what was there before', async () => {
    network.addressTable.push({ interface: 'lo', address: '10.0.0.100', prefixLength: 32 });
    network.sysctls.set('net/ipv4/conf/all/arp_ignore', '2');
    const before = network.state();
    const host = await prepared(['10.0.0.100', '10.0.0.101']);
    expect(network.log).not.toContain('add 10.0.0.100/32 lo');
    host.restore();
    expect(network.state()).toEqual(before);
  });

  it('lets the own share over lo through a strict reverse path filter', async () => {
    network.sysctls.set('net/ipv4/conf/all/rp_filter', '1');
    const host = await prepared();
    expect(network.readSysctl('net/ipv4/conf/lo/rp_filter')).toBe('2');
    host.restore();
    expect(network.readSysctl('net/ipv4/conf/lo/rp_filter')).toBe('0');
  });

  it('leaves a setting alone that somebody else has changed meanwhile', async () => {
    const host = await prepared();
    network.sysctls.set('net/ipv4/conf/eth0/arp_ignore', '8');
    expect(host.restore().warnings).toEqual([
      'net/ipv4/conf/eth0/arp_ignore is 8 now, which is not ours: left alone',
    ]);
    expect(network.readSysctl('net/ipv4/conf/eth0/arp_ignore')).toBe('8');
  });

  it('is not troubled by an interface that is gone at the end', async () => {
    const host = await prepared();
    network.sysctls.delete('net/ipv4/conf/eth0/arp_ignore');
    network.sysctls.delete('net/ipv4/conf/eth0/arp_announce');
    expect(host.restore().warnings).toEqual([]);
    expect(existsSync(journal)).toBe(false);
  });
});

describe('a refusal', () => {
  it('half-way leaves the host as it was', async () => {
    const before = network.state();
    network.beforeChange = (change) => {
      if (change.startsWith('add')) throw refusal('EPERM');
    };
    expect(await prepare()).toEqual({
      ok: false,
      problem: {
        code: 'not-permitted',
        message:
          'refused with EPERM; run as root, or give the process CAP_NET_ADMIN and CAP_NET_RAW (in a container also a writable /proc/sys)',
      },
    });
    expect(network.state()).toEqual(before);
    expect(readdirSync(directory)).toEqual([]);
  });

  const cases: [string, (fake: FakeNetwork) => void, string, string][] = [
    [
      'an interface that does not exist',
      (fake) => fake.linkTable.splice(1, 1),
      'no-such-interface',
      'there is no interface eth0; this host has nothing but lo',
    ],
    [
      'an interface that is down',
      (fake) => (fake.linkTable[1] = { ...fake.linkTable[1], up: false }),
      'interface-unusable',
      'interface eth0 is down; run: ip link set eth0 up',
    ],
    [
      'an interface without an address',
      (fake) => fake.addressTable.splice(1, 2),
      'no-address',
      'interface eth0 has no IPv4 address; give it one, like: ip address add 10.0.0.11/24 dev eth0',
    ],
    [
      'a tunnel without a MAC',
      (fake) => (fake.linkTable[1] = { ...fake.linkTable[1], mac: new Uint8Array(0) }),
      'interface-unusable',
      'interface eth0 has no Ethernet address; choose one that has',
    ],
    [
      'a cluster address on another interface',
      (fake) => fake.addressTable.push({ interface: 'eth1', address: '10.0.0.100', prefixLength: 24 }),
      'address-elsewhere',
      'cluster address 10.0.0.100 is on eth1 of this host; remove it there (ip address del 10.0.0.100 dev eth1), or configure another cluster address',
    ],
  ];

  it.each(cases)('of %s says what to do, and changes nothing', async (_, arrange, code, message) => {
    arrange(network);
    expect(await prepare()).toEqual({ ok: false, problem: { code, message } });
    expect(network.log).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('of an address that another host owns names that host', async () => {
    const result = await prepareHost({
      network,
      interface: 'eth0',
      clusters: direct('10.0.0.100'),
      journal,
      probe: async () => ({ address: '10.0.0.100', mac: '52:54:00:00:00:01' }),
    });
    expect(result).toEqual({
      ok: false,
      problem: {
        code: 'address-conflict',
        message:
          'cluster address 10.0.0.100 belongs to another host, 52:54:00:00:00:01; change the configuration, or take the address away from that host',
      },
    });
    expect(network.log).toEqual([]);
  });

  it('to write the journal stops everything', async () => {
    journal = join(directory, 'nowhere', 'node.sock.undo.json');
    const result = await prepare();
    expect(result).toMatchObject({ ok: false, problem: { code: 'journal-unusable' } });
    expect(network.log).toEqual([]);
  });
});

describe('after a crash', () => {
  it('the next start undoes what the dead one left, and begins anew', async () => {
    const before = network.state();
    await prepared();
    // Crash: no restore. The journal is of this very process, so it is made another's.
    const { changes } = JSON.parse(readFileSync(journal, 'utf8')) as { changes: unknown[] };
    leaveBehind(changes);
    const host = await prepared();
    expect(host.recovered).toEqual({ undone: 5, warnings: [] });
    host.restore();
    expect(network.state()).toEqual(before);
    expect(existsSync(journal)).toBe(false);
  });

  it('asks the LAN before it takes the addresses away for a moment, and cleans up also when it may not start', async () => {
    const before = network.state();
    await prepared();
    const { changes } = JSON.parse(readFileSync(journal, 'utf8')) as { changes: unknown[] };
    leaveBehind(changes);
    network.log.splice(0);
    const result = await prepareHost({
      network,
      interface: 'eth0',
      clusters: direct('10.0.0.100'),
      journal,
      probe: async () => {
        expect(network.log).toEqual([]);
        return { address: '10.0.0.100', mac: '52:54:00:00:00:01' };
      },
    });
    expect(result).toMatchObject({ ok: false, problem: { code: 'address-conflict' } });
    expect(network.state()).toEqual(before);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is not claimed while that node lives', async () => {
    await prepared();
    network.log.splice(0);
    const result = await prepare();
    expect(result).toEqual({
      ok: false,
      problem: {
        code: 'already-running',
        message: `a node already runs here as process ${process.pid}; stop it first, or give this one another control.socket`,
      },
    });
    expect(network.log).toEqual([]);
  });

  it.each([{ bootId: 'another' }, { networkNamespace: 'net:[1]', startTicks: '1' }])(
    'of the host, or in another container, nothing is left to undo: %o',
    async (identity) => {
      leaveBehind([{ kind: 'address', interface: 'lo', address: '10.0.0.99' }], identity);
      expect((await prepared()).recovered).toEqual({ undone: 0, warnings: [] });
      expect(network.log).not.toContain('delete 10.0.0.99/32 lo');
    },
  );

  it('what cannot be undone stays in the journal, and the start is refused', async () => {
    leaveBehind([
      { kind: 'sysctl', path: 'net/ipv4/conf/all/arp_ignore', before: '0', after: '1' },
      { kind: 'address', interface: 'lo', address: '10.0.0.100' },
    ]);
    network.sysctls.set('net/ipv4/conf/all/arp_ignore', '1');
    network.beforeChange = (change) => {
      if (change.startsWith('all/')) throw refusal('EACCES');
    };
    expect(await prepare()).toEqual({
      ok: false,
      problem: {
        code: 'not-permitted',
        message:
          'a node that died left changes that cannot be undone: could not restore net/ipv4/conf/all/arp_ignore=0: refused with EACCES; run as root, or with CAP_NET_ADMIN and a writable /proc/sys',
      },
    });
    const left = inspectLeftover(journal);
    expect(left.kind === 'dead' && left.content.changes).toEqual([
      { kind: 'sysctl', path: 'net/ipv4/conf/all/arp_ignore', before: '0', after: '1' },
    ]);
  });

  it.each([
    'not JSON',
    '{}',
    JSON.stringify({
      version: 1,
      process: ownIdentity(),
      changes: [{ kind: 'sysctl', path: 'kernel/panic', before: '0', after: '1' }],
    }),
    JSON.stringify({
      version: 1,
      process: ownIdentity(),
      changes: [{ kind: 'address', interface: 'eth0', address: '10.0.0.11' }],
    }),
  ])('a file that is no journal of ours is never obeyed: %s', async (text) => {
    writeFileSync(journal, text);
    expect(await prepare()).toMatchObject({ ok: false, problem: { code: 'journal-unusable' } });
    expect(network.log).toEqual([]);
  });
});
