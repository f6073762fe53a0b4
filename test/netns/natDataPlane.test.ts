import { Lab, startHttpService, type Host } from '@ringmaster/lab';
import { announcementFrames, virtualMacOf } from '@ringmaster/dispatch';
import {
  encodeEthernet,
  encodeIpv4,
  encodeUdp,
  EtherType,
  formatMac,
  IpProtocol,
  parseIpv4,
  parseMac,
} from 'libnetraw/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataPlaneStats } from '../../packages/node/src/dataplane/index.js';
import { openChannel, type Channel } from './channel.js';
import { carryIntact, startPlanes } from './planes.js';

/**
 * L4/3 on real packets, without ring and daemon: a client behind a router, three servers that answer by way of a ghost
 * gateway, and data planes on two of them, of which one dispatches. Once with one switch and one worker, once with a switch
 * outside, one inside, and two workers.
 */
const CLUSTER = parseIpv4('10.0.0.100')!;
const CLIENTS = ['10.9.0.2', ...Array.from({ length: 8 }, (_, i) => `10.9.0.${20 + i}`)];
const SHAPES = [
  { name: 'one interface, one worker', inside: '10.0.0', outside: undefined, workers: 1 },
  { name: 'two interfaces, two workers', inside: '10.1.0', outside: 'eth1', workers: 2 },
];

interface Requests {
  readonly servers: Record<string, number>;
  readonly clients: readonly string[];
}

describe.each(SHAPES)('$name', ({ inside, outside, workers }) => {
  const gateway = {
    address: parseIpv4(`${inside}.254`)!,
    virtualMac: virtualMacOf(parseIpv4(`${inside}.254`)!),
  };
  const cluster = {
    ...{ address: CLUSTER, virtualMac: virtualMacOf(CLUSTER), mode: 'l4/3' as const, gateway },
    ports: [{ port: 80, protocol: 'tcp' as const }],
  };
  let lab: Lab;
  let nodes: Host[];
  let browser: Channel;
  let planes: Channel[];

  beforeAll(async () => {
    lab = await Lab.create();
    const away = await lab.lan('away', '10.9.0.0/24');
    const lan = await lab.lan('lan', '10.0.0.0/24');
    const inner = outside === undefined ? lan : await lab.lan('inner', `${inside}.0/24`);
    await lab.router('router', [away, lan]);
    const client = await lab.host('client', { lan: away, address: '10.9.0.2/24', gateway: '10.9.0.1' });
    for (const address of CLIENTS.slice(1)) await client.addAddress(`${address}/24`);
    nodes = [];
    for (const i of [1, 2, 3]) {
      const more = outside === undefined ? [] : [{ lan, address: `10.0.0.1${i}/24` }];
      const node = await lab.host(`n${i}`, {
        lan: inner,
        address: `${inside}.1${i}/24`,
        more,
        gateway: '10.0.0.1',
      });
      await answerByGateway(node);
      await startHttpService(node);
      nodes.push(node);
    }
    browser = openChannel(client, 'client.mjs');
    planes = await startPlanes(nodes, {
      interface: 'eth0',
      ...(outside !== undefined && { outside }),
      clusters: [cluster],
      maxConnections: 10_000,
      ringSlots: 128,
      workers,
    });
  });

  afterAll(async () => {
    for (const channel of [...planes, browser]) await channel.close();
    await lab.close();
  });

  /** Only what the service sends goes to the ghost gateway; the host's own default route is the router. */
  async function answerByGateway(node: Host): Promise<void> {
    const ghost = `${inside}.254`;
    const lines = [
      `rule add iif lo ipproto tcp sport 80 from ${node.address} lookup 7400`,
      `route add default via ${ghost} dev eth0 onlink table 7400`,
      `neigh replace ${ghost} lladdr ${formatMac(gateway.virtualMac)} dev eth0 nud permanent`,
    ];
    for (const line of lines) await node.exec('ip', line.split(' '));
  }

  const stats = (plane: number): Promise<DataPlaneStats> => planes[plane].call('stats');

  it('spreads requests over all three, the dispatcher itself included, and the services see the clients', async () => {
    const servers: Record<string, number> = {};
    for (const address of CLIENTS) {
      const answered = await browser.call<Requests>('requests', 6, 5000, address);
      expect(answered.clients).toEqual([address]);
      for (const [name, count] of Object.entries(answered.servers))
        servers[name] = (servers[name] ?? 0) + count;
    }
    for (const name of ['n1', 'n2', 'n3']) expect(Math.abs(servers[name] - 18)).toBeLessThanOrEqual(2);
    const { verdicts, workers: shares, routed, drops } = await stats(0);
    expect(Math.min(verdicts.forward, verdicts.local, verdicts.outward)).toBeGreaterThan(50);
    expect(Math.min(...shares.map(({ connections }) => connections))).toBeGreaterThan(0);
    expect(routed).toEqual({ sent: 0, dropped: 0 });
    expect(drops.unknownConnection).toBe(0);
  });

  it('carries 20 MB down and up intact, by each of the servers', async () => {
    await carryIntact(browser, nodes.length);
  });

  it('what a server sends with a VLAN tag to nobody known leaves without it, by the routing of the host', async () => {
    const server = nodes[2];
    const frame = new Uint8Array(64);
    let at = encodeEthernet(frame, 0, gateway.virtualMac, parseMac(server.mac)!, EtherType.vlan);
    frame.set([0x60, 0x07, 0x08, 0x00], at);
    at = encodeIpv4(frame, at + 4, {
      ...{ source: parseIpv4(server.address)!, destination: parseIpv4('10.9.0.2')! },
      ...{ protocol: IpProtocol.udp, payloadLength: 8 },
    });
    encodeUdp(frame, at, { sourcePort: 5555, destinationPort: 7777, payloadLength: 0 });
    const before = await stats(0);
    const there = openChannel(server, 'dataplane.mjs');
    await there.call('announce', 'eth0', frame);
    await expect.poll(async () => (await stats(0)).routed.sent).toBe(before.routed.sent + 1);
    expect((await stats(0)).routed.dropped).toBe(before.routed.dropped);
    await there.close();
  });

  it('a successor that has heard nothing of the clients yet sends by the routing of its host', async () => {
    // The servers answer when the dispatcher is gone already; the clients say nothing meanwhile but acknowledgements.
    for (const address of CLIENTS) await browser.call('openStream', address, address);
    const before = new Map<string, string>();
    for (const address of CLIENTS) before.set(address, await browser.call('echo', address, 'before', 5000));
    const there = nodes.map((node) => openChannel(node, 'dataplane.mjs'));
    await Promise.all(there.map((channel) => channel.call('connections', {})));
    const answers = CLIENTS.map((address) => browser.call<string>('slowly', 2500, 60_000, address));
    await expect
      .poll(async () => (await stats(0)).connections.established, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(2 * CLIENTS.length);
    // The requests follow at once; from now on the clients have nothing to say until they are answered.
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(planes[0].pid, 'SIGKILL');
    await planes[1].call('hold', true);
    await planes[1].call('role', 'dispatch');
    for (const frame of announcementFrames(CLUSTER, cluster.virtualMac))
      await planes[1].call('announce', outside ?? 'eth0', frame);
    for (const frame of announcementFrames(gateway.address, gateway.virtualMac))
      await planes[1].call('announce', 'eth0', frame);
    for (const [i, node] of nodes.entries()) {
      const localAddress = parseIpv4(node.address)!;
      const filter = { localAddress, ports: [80], states: ['established'] };
      const list = await there[i].call<object>('connections', filter);
      const report = await planes[1].call<{ refused: number }>('enter', localAddress, { family: 4, ...list });
      expect(report.refused).toBe(0);
      await there[i].close();
    }
    await planes[1].call('hold', false);
    for (const [i, answer] of (await Promise.all(answers)).entries()) expect(answer).toEqual(CLIENTS[i]);
    const { routed } = await stats(1);
    expect(routed.sent).toBeGreaterThan(0);
    expect(routed.dropped).toBe(0);
    for (const address of CLIENTS)
      expect(await browser.call('echo', address, 'after', 30_000)).toBe(before.get(address));
    expect((await stats(1)).drops.unknownConnection).toBe(0);
  });
});
