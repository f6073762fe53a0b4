/** What the tests of data planes without ring and daemon share: planes on the first hosts, a server table made by hand. */
import { createHash } from 'node:crypto';
import type { Host } from '@ringmaster/lab';
import { parseIpv4, parseMac } from 'libnetraw/wire';
import { expect } from 'vitest';
import { openChannel, type Channel } from './channel.js';

const DISPATCHERS = 2;
const DOWNLOAD_BYTES = 20_000_000;

/** All hosts as servers; the MACs are those of their first interface. */
export function serverTable(nodes: readonly Host[], local: number) {
  return nodes.map((node, i) => ({
    address: parseIpv4(node.address)!,
    mac: parseMac(node.mac)!,
    weight: 1,
    active: true,
    local: i === local,
  }));
}

/** A data plane on each of the first two hosts, under a lease that is renewed; the first one dispatches. */
export async function startPlanes(nodes: readonly Host[], options: object): Promise<Channel[]> {
  const planes = nodes.slice(0, DISPATCHERS).map((node) => openChannel(node, 'dataplane.mjs'));
  for (const [i, plane] of planes.entries()) {
    await plane.call('start', options);
    await plane.call('servers', serverTable(nodes, i));
    await plane.call('keepLease');
  }
  await planes[0].call('role', 'dispatch');
  await planes[0].call('snapshot', 0);
  return planes;
}

/** Puts an IPv4 cluster address on `lo`, where no ARP on these interfaces sees it. */
export async function ownClusterAddress(node: Host, address: string, interfaces: readonly string[]) {
  await node.addAddress(`${address}/32`, 'lo');
  for (const where of ['all', ...interfaces]) {
    const path = `/proc/sys/net/ipv4/conf/${where}`;
    await node.exec('sh', ['-c', `echo 1 > ${path}/arp_ignore; echo 2 > ${path}/arp_announce`]);
  }
}

/** 20 MB down and up, so many times as there are servers, each by another connection. */
export async function carryIntact(browser: Channel, servers: number): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, 'ringmaster '); // what `/bytes/N` repeats
  const expected = createHash('sha256');
  for (let left = DOWNLOAD_BYTES; left > 0; left -= chunk.length)
    expected.update(chunk.subarray(0, Math.min(left, chunk.length)));
  const digest = expected.digest('hex');
  for (let i = 0; i < servers; i++) {
    expect(await browser.call('download', DOWNLOAD_BYTES)).toBe(digest);
    const { sent, received } = await browser.call<{ sent: string; received: string }>(
      'upload',
      DOWNLOAD_BYTES,
    );
    expect(received).toBe(sent);
  }
}
