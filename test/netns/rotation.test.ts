import { formatKeyFile, generateKey, type StatusDocument } from '@ringmaster/node';
import { Cluster, RequestStream, type ClusterHost, type Host } from '@ringmaster/lab';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ringOf } from './ringOf.js';

/** Rule R20: keys rotate without an outage, and what was recorded under one is worth nothing afterwards, or elsewhere. */

const OTHER_ADDRESS = '10.0.0.200';

let cluster: Cluster;
let keys: string;
afterEach(async () => {
  await cluster.close();
  await rm(keys, { recursive: true, force: true });
});

/** The two key files of all nodes of the first cluster: the first seals, both open. */
async function useKeys(sealing: Uint8Array, opening: Uint8Array): Promise<void> {
  await writeFile(join(keys, 'sealing.key'), formatKeyFile(sealing), { mode: 0o600 });
  await writeFile(join(keys, 'opening.key'), formatKeyFile(opening), { mode: 0o600 });
}

async function restart(host: ClusterHost): Promise<void> {
  await host.node.stop();
  await host.startNode();
  await members(host, 2);
}

async function members(host: ClusterHost, count: number): Promise<StatusDocument> {
  const active = async () => (await host.node.status()).ring.members.filter((member) => member.active).length;
  await expect.poll(active, { timeout: 20_000 }).toBe(count);
  return host.node.status();
}

/** Hears what is broadcast on the ring port, and sends it to `victims` again when told to. */
const RECORDER = `
  const heard = [], socket = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (packet, { address }) => { if (address.startsWith('10.0.0.1')) heard.push(packet); });
  socket.bind(7400, () => console.log('listening'));
  process.on('SIGUSR2', async () => {
    for (const packet of heard.slice(0, 200))
      for (const to of process.argv.slice(1)) await new Promise((done) => socket.send(packet, 7400, to, done));
    console.log('sent ' + heard.length);
  });`;

const refusals = ({ counters }: StatusDocument) => counters['ringRefused'] as Record<string, number>;

describe('keys', () => {
  test('rotate node by node while clients are served; recorded packets are refused at every stage', async () => {
    keys = await mkdtemp(join(tmpdir(), 'ringmaster-keys-'));
    const [old, fresh] = [generateKey(), generateKey()];
    await useKeys(old, old);
    const keyFile = [join(keys, 'sealing.key'), join(keys, 'opening.key')];
    const stranger = { key: formatKeyFile(generateKey()), clusterAddress: OTHER_ADDRESS };
    cluster = await Cluster.build({ nodes: 4, perNode: (i) => (i < 2 ? { ring: { keyFile } } : stranger) });
    const spy: Host = await cluster.lab.host('spy', { lan: cluster.lan, address: '10.0.0.66/24' });
    const recorder = spy.spawn(process.execPath, [
      '-e',
      RECORDER,
      ...cluster.hosts.map(({ address }) => address),
    ]);
    await recorder.waitForLine((line) => line === 'listening', 10_000);
    await Promise.all(cluster.hosts.map((host) => host.start()));
    const [first, second, other] = cluster.hosts;
    await Promise.all([members(first, 2), members(second, 2), members(other, 2)]);
    await new Promise((resolve) => setTimeout(resolve, 2500));

    const replay = async (): Promise<void> => {
      recorder.kill('SIGUSR2');
      await recorder.waitForLine((line) => /^sent [1-9]/.test(line), 10_000);
      await new Promise((resolve) => setTimeout(resolve, 300));
    };
    const before = await Promise.all([first, other].map(({ node }) => node.status()));
    await replay();
    const after = await Promise.all([first, other].map(({ node }) => node.status()));
    expect(after.map(ringOf)).toEqual(before.map(ringOf));
    expect(refusals(after[0])['replayed']).toBeGreaterThan(refusals(before[0])['replayed'] ?? 0);
    expect(refusals(after[1])['notAuthentic']).toBeGreaterThan(refusals(before[1])['notAuthentic'] ?? 0);

    const stream = new RequestStream(cluster.client, cluster.target, { interval: 20, timeout: 1500 });
    for (const [sealing, opening] of [
      [old, fresh],
      [fresh, old],
      [fresh, fresh],
    ] as const) {
      await useKeys(sealing, opening);
      for (const host of [first, second]) await restart(host);
    }
    const requests = stream.requests;
    const failed = requests.filter(({ error }) => error !== undefined);
    console.log(
      `rotation: ${requests.length} requests, ${failed.length} failed while six nodes were restarted`,
    );
    expect(requests.length).toBeGreaterThan(100);
    // A node that stops takes its own connections along; nobody else's fail.
    expect(failed.length).toBeLessThanOrEqual(6);

    const rotated = await first.node.status();
    await replay();
    const replayed = await first.node.status();
    expect(refusals(replayed)['notAuthentic']).toBeGreaterThan(refusals(rotated)['notAuthentic'] ?? 0);
    expect(ringOf(replayed)).toEqual(ringOf(rotated));
  });
});
