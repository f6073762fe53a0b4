import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  prepareHost,
  type HostCluster,
  type HostTransition,
  type PreparedHost,
} from '../../src/host/index.js';
import { FakeNetwork, refusal } from './fakeNetwork.js';

let directory: string;
let journal: string;
let network: FakeNetwork;
let asked: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-host-'));
  journal = join(directory, 'node.sock.undo.json');
  network = new FakeNetwork();
  asked = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const direct = (...addresses: string[]): HostCluster[] =>
  addresses.map((address) => ({ address, mode: 'l4/2', gateway: undefined, targets: [] }));

const translated = (address: string, gateway: string, ...ports: number[]): HostCluster => ({
  address,
  mode: 'l4/3',
  gateway,
  targets: ports.map((port) => ({ protocol: 'tcp', port })),
});

async function prepared(clusters: HostCluster[], taken?: string): Promise<PreparedHost> {
  const probe = async (_link: unknown, addresses: readonly string[]) => {
    asked.push(...addresses);
    const address = addresses.find((each) => each === taken);
    return address === undefined ? undefined : { address, mac: '02:00:00:00:00:99' };
  };
  const result = await prepareHost({ network, interface: 'eth0', clusters, journal, probe });
  if (!result.ok) throw new Error(result.problem.message);
  network.log.length = 0;
  asked.length = 0;
  return result.value;
}

async function changed(host: PreparedHost, clusters: HostCluster[]): Promise<HostTransition> {
  const result = await host.change(clusters);
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
}

const inJournal = (): number =>
  (JSON.parse(readFileSync(journal, 'utf8')) as { changes: unknown[] }).changes.length;

describe('a host whose clusters change', () => {
  it('has the old and the new addresses until the change is finished, and asks the LAN about the new ones only', async () => {
    const host = await prepared(direct('10.0.0.100', '10.0.0.101'));
    const transition = await changed(host, direct('10.0.0.101', '10.0.0.102'));
    expect(network.log.splice(0)).toEqual(['add 10.0.0.102/32 lo']);
    expect(asked).toEqual(['10.0.0.102']);
    expect(transition.finish()).toEqual([]);
    expect(network.log).toEqual(['delete 10.0.0.100/32 lo']);
  });

  it('is as it was when the change is undone', async () => {
    const host = await prepared(direct('10.0.0.100'));
    const before = network.state();
    const entries = inJournal();
    const transition = await changed(host, [
      ...direct('10.0.0.101'),
      translated('10.0.0.102', '10.0.0.250', 80),
    ]);
    expect(network.state()).not.toEqual(before);
    transition.undo();
    expect(network.state()).toEqual(before);
    expect(inJournal()).toBe(entries);
    // And so nothing is different from then on: the address is asked for again.
    asked.length = 0;
    await changed(host, direct('10.0.0.100', '10.0.0.101'));
    expect(asked).toEqual(['10.0.0.101']);
  });

  it('is as it was before the node came, when that ends after however many changes', async () => {
    const before = network.state();
    const host = await prepared(direct('10.0.0.100'));
    const steps = [
      [translated('10.0.0.100', '10.0.0.250', 80)],
      [translated('10.0.0.101', '10.0.0.251', 8080, 80), ...direct('10.0.0.100')],
      [translated('10.0.0.101', '10.0.0.251', 80), translated('10.0.0.102', '10.0.0.252', 81)],
      direct('10.0.0.103'),
    ];
    for (const clusters of steps) (await changed(host, clusters)).finish();
    host.restore();
    expect(network.state()).toEqual(before);
    expect(existsSync(journal)).toBe(false);
  });

  it('leaves a gateway its table when one before it goes, and gives that to the next', async () => {
    const first = translated('10.0.0.100', '10.0.0.250', 80);
    const second = translated('10.0.0.101', '10.0.0.251', 81);
    const host = await prepared([first, second]);
    const tableOf = (gateway: string) => network.routeTable.find((route) => route.gateway === gateway)?.table;
    const [one, two] = ['10.0.0.250', '10.0.0.251'].map(tableOf);
    (await changed(host, [second])).finish();
    expect(tableOf('10.0.0.251')).toBe(two);
    expect(network.log).not.toContainEqual(expect.stringContaining('10.0.0.251'));
    (await changed(host, [second, translated('10.0.0.102', '10.0.0.252', 82)])).finish();
    expect(tableOf('10.0.0.252')).toBe(one);
  });

  it('adds and takes away the rules of ports, and touches nothing else', async () => {
    const host = await prepared([translated('10.0.0.100', '10.0.0.250', 80, 443)]);
    (await changed(host, [translated('10.0.0.100', '10.0.0.250', 80, 8080)])).finish();
    expect(network.log).toHaveLength(2);
    expect(network.log[0]).toMatch(/^add rule .*8080/);
    expect(network.log[1]).toMatch(/^delete rule .*443/);
  });

  it('changes nothing when another host has the address', async () => {
    const host = await prepared(direct('10.0.0.100'), '10.0.0.105');
    const result = await host.change(direct('10.0.0.100', '10.0.0.105'));
    expect(result).toMatchObject({ ok: false, problem: { code: 'address-conflict' } });
    expect(network.log).toEqual([]);
  });

  it('takes back what it has made when the kernel refuses the rest', async () => {
    const host = await prepared(direct('10.0.0.100'));
    const before = network.state();
    network.beforeChange = (change) => {
      if (change.startsWith('add 10.0.0.102')) throw refusal('EPERM');
    };
    const result = await host.change(direct('10.0.0.100', '10.0.0.101', '10.0.0.102'));
    expect(result).toMatchObject({ ok: false, problem: { code: 'not-permitted' } });
    network.beforeChange = () => undefined;
    expect(network.state()).toEqual(before);
    expect((await host.change(direct('10.0.0.100', '10.0.0.101'))).ok).toBe(true);
  });

  it('refuses once the node is on its way out', async () => {
    const host = await prepared(direct('10.0.0.100'));
    host.restore();
    expect((await host.change(direct('10.0.0.101'))).ok).toBe(false);
    expect(existsSync(journal)).toBe(false);
  });
});
