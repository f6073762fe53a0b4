import type { HostCluster } from '@ringmaster/node';
import { Lab, type Host } from '@ringmaster/lab';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChannel, type Channel } from './channel.js';
import { hostState } from './hostState.js';

/** What a node changes on its host, on a real kernel: made, killed in the middle, put right by the next, taken back. */

const direct = (address: string): HostCluster => ({
  address,
  mode: 'l4/2',
  gateway: undefined,
  targets: [],
});
const nat = (address: string, gateway: string): HostCluster => ({
  address,
  mode: 'l4/3',
  gateway,
  targets: [
    { protocol: 'tcp', port: 8080 },
    { protocol: 'udp', port: 53 },
  ],
});

const CLUSTERS: Readonly<Record<string, readonly HostCluster[]>> = {
  'L4/2 over IPv4 and IPv6': [direct('10.0.0.100'), direct('2001:db8:0:a::100')],
  'L4/3 over IPv4 and IPv6': [
    nat('10.0.0.100', '10.0.0.99'),
    nat('10.0.0.101', '10.0.0.98'),
    nat('2001:db8:0:a::100', '2001:db8:0:a::99'),
  ],
};

/** All that a node changes of how packets are routed. */
const WAYS = [
  '-4 rule show',
  '-6 rule show',
  '-4 route show table 7400',
  '-4 route show table 7401',
  '-6 route show table 7400',
  'neighbour show nud permanent',
];

let lab: Lab;
let host: Host;
let other: Host;
let program: Channel;

beforeAll(async () => {
  lab = await Lab.create();
  const lan = await lab.lan('lan', '10.0.0.0/24', '2001:db8:0:a::/64');
  const outer = await lab.lan('outer', '10.1.0.0/24');
  host = await lab.host('n1', {
    lan,
    address: '10.0.0.11/24',
    more: [{ lan: outer, address: '10.1.0.11/24' }],
    gateway: '10.1.0.1',
  });
  other = await lab.host('n2', { lan, address: '10.0.0.12/24' });
});

afterAll(() => lab.close());

const start = (): void => void (program = openChannel(host, 'host.mjs'));
const options = (clusters: readonly HostCluster[]) => ({
  interface: 'eth0',
  outside: 'eth1',
  clusters,
  journal: join(host.directory, 'node.sock.undo.json'),
});

const said = async (...args: string[]): Promise<string> => (await host.exec('ip', args)).stdout;

describe.each(Object.entries(CLUSTERS))('%s', (name, clusters) => {
  it('is taken back to the last bit, also after SIGKILL', async () => {
    await host.exec('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter']);
    const untouched = await hostState(host);
    start();
    const first = await program.call<{ recovered: { undone: number } }>('prepare', options(clusters));
    expect(first.recovered.undone).toBe(0);
    const whole = await hostState(host);
    expect(whole).not.toEqual(untouched);
    await program.close(); // SIGKILL
    expect(await hostState(host)).toEqual(whole);

    start();
    const second = await program.call<{ recovered: { undone: number } }>('prepare', options(clusters));
    expect(second.recovered.undone).toBeGreaterThan(2);
    expect(await hostState(host)).toEqual(whole);
    expect(await program.call<{ warnings: string[] }>('restore')).toMatchObject({ warnings: [] });
    await program.close();
    expect(await hostState(host)).toEqual(untouched);
    expect(name).toBeTruthy();
  });
});

describe('L4/3', () => {
  const clusters = CLUSTERS['L4/3 over IPv4 and IPv6'];
  const chosenWay = (version: string, from: readonly string[], protocol: string, port: number) =>
    said(
      version,
      'route',
      'get',
      version === '-6' ? '2001:db8:9::1' : '192.0.2.1',
      ...from,
      'ipproto',
      protocol,
      'sport',
      String(port),
      'dport',
      '4000',
    );

  beforeAll(async () => {
    start();
    await program.call('prepare', options(clusters));
  });
  afterAll(() => program.close());

  it('leads the answers of the services, and nothing else, through the ghost gateway', async () => {
    const from = ['from', '10.0.0.11'];
    expect(await chosenWay('-4', from, 'tcp', 8080)).toContain('via 10.0.0.99 dev eth0 table 7400');
    expect(await chosenWay('-4', from, 'tcp', 8081)).toContain('via 10.1.0.1 dev eth1');
    expect(await chosenWay('-4', ['from', '10.1.0.11'], 'tcp', 8080)).toContain('via 10.1.0.1 dev eth1');
    const udp = await chosenWay('-4', [], 'udp', 53);
    expect(udp).toContain('via 10.0.0.99 dev eth0 table 7400 src 10.0.0.11');
    const from6 = ['from', '2001:db8:0:a::11'];
    expect(await chosenWay('-6', from6, 'tcp', 8080)).toContain('via 2001:db8:0:a::99 dev eth0 table 7400');
    expect(await chosenWay('-6', [], 'udp', 53)).toContain('src 2001:db8:0:a::11');
  });

  it('survives its interface: what that takes with it is made anew', async () => {
    const ways = () => Promise.all(WAYS.map((way) => said(...way.split(' '))));
    const whole = await ways();
    await said('link', 'set', 'eth0', 'down');
    await said('link', 'set', 'eth0', 'up');
    await said('-6', 'address', 'add', '2001:db8:0:a::11/64', 'dev', 'eth0', 'nodad');
    expect(await said('route', 'show', 'table', '7400')).toBe('');
    const repaired = await program.call<string[]>('repair');
    expect(repaired).toEqual(
      expect.arrayContaining([
        '10.0.0.99 at 02:52:4d:00:00:63 on eth0',
        'the route via 10.0.0.99 in table 7400',
      ]),
    );
    expect(await program.call('repair')).toEqual([]);
    expect(await ways()).toEqual(whole);
    await program.call('restore');
  });
});

describe('an address that another host has', () => {
  it.each([
    ['the cluster address', '10.0.0.100/24', CLUSTERS['L4/2 over IPv4 and IPv6']],
    ['the IPv6 cluster address', '2001:db8:0:a::100/64', CLUSTERS['L4/2 over IPv4 and IPv6']],
    ['the ghost gateway', '10.0.0.99/24', CLUSTERS['L4/3 over IPv4 and IPv6']],
    ['the IPv6 ghost gateway', '2001:db8:0:a::99/64', CLUSTERS['L4/3 over IPv4 and IPv6']],
  ])('%s keeps the node from starting', async (_, address, clusters) => {
    await other.exec('ip', [
      'address',
      'add',
      address,
      'dev',
      'eth0',
      ...(address.includes(':') ? ['nodad'] : []),
    ]);
    const before = await hostState(host);
    start();
    await expect(program.call('prepare', { ...options(clusters), outside: undefined })).rejects.toMatchObject(
      {
        code: 'address-conflict',
        message: expect.stringContaining(
          `${address.split('/')[0]} belongs to another host, ${other.mac}`,
        ) as string,
      },
    );
    await program.close();
    expect(await hostState(host)).toEqual(before);
    await other.exec('ip', ['address', 'del', address, 'dev', 'eth0']);
  });
});
