import type { AddressConflict, HostAddress, HostNetwork, NodeConfig } from '@ringmaster/node';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../src/doctor/finding.js';
import { machineFindings, missingCapabilities } from '../src/doctor/machine.js';
import type { NetworkContext } from '../src/doctor/context.js';
import { networkFindings } from '../src/doctor/network.js';
import { controlFinding, leftoverFinding, portFindings } from '../src/doctor/node.js';
import { ringmaster } from './command.js';

const CONFIG: NodeConfig = {
  file: '/etc/ringmaster.yaml',
  interface: 'eth0',
  weight: 1,
  slowStartMs: 0,
  capabilities: ['dispatch', 'serve'],
  ring: {
    port: 7400,
    transport: 'udp',
    keyFiles: [],
    insecure: true,
    heartbeatIntervalMs: 50,
    communicationTimeoutMs: 250,
    broadcastTimeoutMs: 100,
    election: { from: 'smallest', position: 1 },
    preempt: true,
    holdDownMs: 0,
    minimumMembers: 1,
  },
  clusters: [
    {
      address: '10.0.0.100',
      mode: 'l4/2',
      dispatch: 'routed',
      ports: [{ port: 80, protocol: 'tcp', scheduler: 'round-robin', stateless: false }],
    },
  ],
  workers: 1,
  maxConnections: 1024,
  control: { socket: '/nowhere/node.sock' },
};

/** What matters of findings that are not fine. */
const troubles = (findings: readonly Finding[]): string[] =>
  findings
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, what, cure }) => `${level} ${check}: ${what} -> ${cure}`);

describe('the machine', () => {
  const GOOD = {
    platform: 'linux',
    nodeVersion: '20.19.0',
    processStatus: 'Name:\tx\nCapEff:\t0000000000003000\n',
  };

  it('is fine with Linux, a recent Node and two capabilities', () => {
    expect(machineFindings(GOOD).map(({ level }) => level)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(troubles(machineFindings({ ...GOOD, nodeVersion: '24.1.0' }))).toEqual([]);
  });

  it.each([
    [{ platform: 'darwin' }, 'error platform: this is darwin -> use a Linux host, or a container on one'],
    [{ nodeVersion: '20.18.3' }, 'error node-version: Node 20.18.3 is too old -> use Node 20.19 or newer'],
    [
      { processStatus: 'CapEff:\t0000000000001000\n' },
      'error privileges: CAP_NET_RAW missing -> run as root, or give the process these capabilities',
    ],
  ])('is not with %j', (change, expected) => {
    expect(troubles(machineFindings({ ...GOOD, ...change }))).toEqual([expected]);
  });

  it('reads the capability set of the kernel', () => {
    expect(missingCapabilities('CapEff:\t000001ffffffffff\n')).toEqual([]);
    expect(missingCapabilities('CapEff:\t0000000000000000\n')).toEqual(['CAP_NET_ADMIN', 'CAP_NET_RAW']);
    expect(missingCapabilities('')).toEqual(['CAP_NET_ADMIN', 'CAP_NET_RAW']);
  });
});

describe('the network', () => {
  let sysctls: Record<string, string>;
  let addresses: HostAddress[];
  let context: NetworkContext;
  let conflict: AddressConflict | undefined;
  beforeEach(() => {
    sysctls = {};
    conflict = undefined;
    addresses = [{ interface: 'eth0', address: '10.0.0.11', prefixLength: 24 }];
    const refuse = (): never => {
      throw new Error('doctor changes nothing');
    };
    const network: HostNetwork = {
      links: () => [
        { name: 'lo', index: 1, mac: new Uint8Array(6), mtuBytes: 65536, up: true },
        { name: 'eth0', index: 2, mac: Uint8Array.of(2, 0, 0, 0, 0, 1), mtuBytes: 1500, up: true },
      ],
      addresses: () => addresses,
      addAddress: refuse,
      deleteAddress: refuse,
      rules: () => [],
      addRule: refuse,
      deleteRule: refuse,
      routes: () => [],
      addRoute: refuse,
      deleteRoute: refuse,
      neighbours: () => [],
      setNeighbour: refuse,
      deleteNeighbour: refuse,
      readSysctl: (path) => sysctls[path] ?? '0',
      writeSysctl: refuse,
    };
    context = {
      network,
      config: CONFIG,
      running: false,
      mayWriteSysctl: () => true,
      probe: async () => conflict,
    };
  });

  it('is fine as a plain host has it', async () => {
    expect(troubles(await networkFindings(context))).toEqual([]);
  });

  it('misses the interface', async () => {
    context = { ...context, config: { ...CONFIG, interface: 'eth1' } };
    expect(troubles(await networkFindings(context))).toEqual([
      'error interface: there is no interface eth1 -> this host has eth0; set interface in /etc/ringmaster.yaml',
    ]);
  });

  it('warns of a strict reverse path filter', async () => {
    sysctls['net/ipv4/conf/all/rp_filter'] = '1';
    expect(troubles(await networkFindings(context))).toEqual([
      'warning rp-filter: the reverse path filter of eth0 is strict -> where it does not, run: sysctl -w net.ipv4.conf.eth0.rp_filter=2',
    ]);
  });

  it('sees settings that the node could not change, and settings that were changed under it', async () => {
    context = { ...context, mayWriteSysctl: () => false };
    expect(troubles(await networkFindings(context))).toEqual([
      'error arp-ignore: net/ipv4/conf/all/arp_ignore is 0 -> set it from outside (for a container: --sysctl net.ipv4.conf.all.arp_ignore=1), or run as root',
      'error arp-announce: net/ipv4/conf/all/arp_announce is 0 -> set it from outside (for a container: --sysctl net.ipv4.conf.all.arp_announce=2), or run as root',
    ]);
    context = { ...context, running: true };
    addresses.push({ interface: 'lo', address: '10.0.0.100', prefixLength: 32 });
    for (const scope of ['all', 'eth0']) sysctls[`net/ipv4/conf/${scope}/arp_ignore`] = '1';
    expect(troubles(await networkFindings(context))).toEqual([
      'error arp-announce: net/ipv4/conf/all/arp_announce is 0 -> find out who changes it, then run: sysctl -w net.ipv4.conf.all.arp_announce=2',
    ]);
  });

  it('finds the cluster address where it should not be', async () => {
    addresses.push({ interface: 'eth1', address: '10.0.0.100', prefixLength: 24 });
    expect(troubles(await networkFindings(context))).toEqual([
      'error cluster-address: 10.0.0.100 is on eth1 -> run: ip address del 10.0.0.100 dev eth1',
    ]);
    addresses[1] = { interface: 'lo', address: '10.0.0.100', prefixLength: 32 };
    expect(troubles(await networkFindings(context))).toEqual([
      'warning cluster-address: 10.0.0.100 is on lo already -> unless that is meant: ip address del 10.0.0.100 dev lo',
    ]);
    expect(troubles(await networkFindings({ ...context, running: true }))).toHaveLength(2);
  });

  it('finds another host with the cluster address, or says that it could not look', async () => {
    conflict = { address: '10.0.0.100', mac: '52:54:00:00:00:01' };
    expect(troubles(await networkFindings(context))).toEqual([
      'error address-conflict: 10.0.0.100 belongs to 52:54:00:00:00:01 -> take the address away from that host, or choose another cluster address',
    ]);
    context = { ...context, probe: () => Promise.reject(Object.assign(new Error('no'), { code: 'EPERM' })) };
    expect(troubles(await networkFindings(context))).toEqual([
      'warning address-conflict: other owners of the address were not looked for (EPERM) -> run doctor as root',
    ]);
  });
});

describe('what the node needs', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ringmaster-doctor-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is a directory for its socket', () => {
    expect(troubles([controlFinding(CONFIG, false)])).toEqual([
      'error control-socket: the directory of /nowhere/node.sock does not exist -> run: mkdir -p /nowhere',
    ]);
    expect(controlFinding(CONFIG, true).what).toBe('a node runs and answers at /nowhere/node.sock');
  });

  it('is a port of its own', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) =>
      taken.listen(0, '0.0.0.0', () => resolve((taken.address() as { port: number }).port)),
    );
    const config = { ...CONFIG, ring: { ...CONFIG.ring, port } };
    const findings = await portFindings(config, false);
    expect(findings.find(({ what }) => what.startsWith('TCP'))).toMatchObject({
      level: 'error',
      what: `TCP port ${port} is in use`,
      cure: `find its owner with: ss -lnp 'sport = :${port}', or set ring.port on every node`,
    });
    expect(troubles(await portFindings(config, true))).toEqual([]);
    await new Promise((resolve) => taken.close(resolve));
  });

  it('is nothing left of a node that died', () => {
    const socket = join(directory, 'node.sock');
    const config = { ...CONFIG, control: { socket } };
    expect(leftoverFinding(config).level).toBe('ok');
    writeFileSync(`${socket}.undo.json`, 'nonsense');
    expect(troubles([leftoverFinding(config)])).toEqual([
      `error leftover: ${socket}.undo.json is no undo journal -> look at \`ip address show lo\`, then remove ${socket}.undo.json`,
    ]);
  });
});

describe('the command', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ringmaster-doctor-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('lists the problems of a configuration as findings, and fails', async () => {
    writeFileSync(join(directory, 'bad.yaml'), 'interface: eth0\nring: { insecure: true }\nclusters: 5\n');
    const { code, stdout } = await ringmaster(['doctor', '--json', '--config', 'bad.yaml'], directory);
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(troubles(findings.filter(({ check }) => check === 'configuration'))).toEqual([
      'error configuration: bad.yaml:3: clusters: expected a list of 1 to 64 clusters, each with address and ports, found 5 -> change it there; docs/configuration.md explains every key',
    ]);
  });

  it('says in words what is wrong with a host, why it matters, and the cure', async () => {
    await ringmaster(['init', '--interface', 'nosuch0', '--address', '10.1.2.3'], directory);
    const { code, stdout } = await ringmaster(['doctor'], directory);
    expect(code).toBe(1);
    expect(stdout).toContain('error    there is no interface nosuch0 (interface)\n');
    expect(stdout).toContain('         why:  through it the node talks to the others and to the clients\n');
    expect(stdout).toMatch(/ {9}cure: this host has .*\n/);
    expect(stdout).toMatch(/\n\d+ errors?, \d+ warnings?: a node will not work here yet\n$/);
  });

  it('looks at the machine alone when there is no configuration', async () => {
    const { stdout } = await ringmaster(['doctor', '--json'], directory);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(findings.map(({ check }) => check)).toEqual([
      'platform',
      'node-version',
      'privileges',
      'clock',
      'configuration',
    ]);
  });
});
