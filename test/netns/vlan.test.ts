import { Lab, startHttpService, type Host } from '@ringmaster/lab';
import { virtualMacOf } from '@ringmaster/dispatch';
import { formatMac, parseIpv4, parseMac, readU16 } from 'libnetraw/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import type { DataPlaneStats } from '../../packages/node/src/dataplane/index.js';
import { openChannel, type Channel } from './channel.js';
import { ownClusterAddress } from './planes.js';

/**
 * A client whose frames reach the dispatcher with a VLAN tag: a wire between its switch and the dispatcher's puts it on, and
 * takes it off what comes back with one. (Kernels without VLAN devices can do this too.)
 */
const CLUSTER = parseIpv4('10.0.0.100')!;
const OPTIONS = {
  interface: 'eth0',
  clusters: [
    { address: CLUSTER, virtualMac: virtualMacOf(CLUSTER), ports: [{ port: 80, protocol: 'tcp' as const }] },
  ],
  maxConnections: 1000,
  ringSlots: 128,
};
/** Priority 3, VLAN 7. */
const TAG = 0x6007;

let lab: Lab;
let nodes: Host[];
let browser: Channel;
let plane: Channel;

beforeAll(async () => {
  lab = await Lab.create();
  const left = await lab.lan('left', '10.0.0.0/24');
  const right = await lab.lan('right', '10.0.0.0/24');
  const client = await lab.host('client', { lan: left, address: '10.0.0.2/24' });
  const more = [{ lan: right, address: '10.0.99.2/24' }];
  const wire = await lab.host('wire', { lan: left, address: '10.0.99.1/24', more });
  nodes = [];
  for (const i of [1, 2]) {
    const node = await lab.host(`n${i}`, { lan: right, address: `10.0.0.1${i}/24` });
    await ownClusterAddress(node, '10.0.0.100', ['eth0']);
    await startHttpService(node);
    nodes.push(node);
  }
  // The answer to its question would come with a tag.
  const neighbour = ['neigh', 'add', client.address, 'lladdr', client.mac, 'dev', 'eth0', 'nud', 'permanent'];
  await nodes[0].exec('ip', neighbour);
  const tagger = fileURLToPath(new URL('./programs/tagger.mjs', import.meta.url));
  await wire.spawn(process.execPath, [tagger, String(TAG)]).waitForLine((line) => line === 'ready', 10_000);
  browser = openChannel(client, 'client.mjs');
  plane = openChannel(nodes[0], 'dataplane.mjs');
  await plane.call('start', OPTIONS);
  await plane.call('servers', [server(0)]);
  await plane.call('role', 'dispatch');
  await plane.call('keepLease');
});

afterAll(async () => {
  for (const channel of [plane, browser]) await channel.close();
  await lab.close();
});

function server(index: number) {
  const { address, mac } = nodes[index];
  return {
    ...{ address: parseIpv4(address)!, mac: parseMac(mac)!, weight: 1 },
    ...{ active: true, local: index === 0 },
  };
}

describe('frames with a VLAN tag', () => {
  it('are answered with the tag when they ask, and reach the dispatcher itself without it', async () => {
    const { servers, clients } = await browser.call<{ servers: object; clients: string[] }>('requests', 20);
    expect(servers).toEqual({ n1: 20 });
    expect(clients).toEqual(['10.0.0.2']);
    const { verdicts, drops } = await plane.call<DataPlaneStats>('stats');
    expect(verdicts.answer).toBeGreaterThan(0);
    expect(drops.vlanTagged).toBe(0);
  });

  it('are carried as super-frames, intact', async () => {
    const { sent, received } = await browser.call<{ sent: string; received: string }>('upload', 20_000_000);
    expect(received).toBe(sent);
    const { frames, truncated } = await plane.call<DataPlaneStats>('stats');
    expect(truncated).toBe(0);
    expect(frames).toBeLessThan(20_000_000 / 1460);
  });

  it('are forwarded to a server with the tag', async () => {
    await plane.call('servers', [server(1)]);
    const there = openChannel(nodes[1], 'frames.mjs');
    await there.call('open', 'eth0');
    // No service is in that VLAN.
    await expect(browser.call('requests', 1, 300)).rejects.toThrow();
    const frames = (await there.call<Uint8Array[]>('received')).filter(
      (frame) => formatMac(frame) === nodes[1].mac,
    );
    expect(frames.length).toBeGreaterThan(0);
    for (const frame of frames) {
      expect(formatMac(frame, 6)).toBe(formatMac(virtualMacOf(CLUSTER)));
      expect([readU16(frame, 12), readU16(frame, 14), readU16(frame, 16)]).toEqual([0x8100, TAG, 0x0800]);
    }
    await there.close();
  });
});
