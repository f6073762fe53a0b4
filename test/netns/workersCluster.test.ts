import { Cluster } from '@ringmaster/lab';
import { afterEach, expect, test } from 'vitest';
import { openChannel, type Channel } from './channel.js';

/** Several data-plane threads in every node of a cluster (`workers: 2`), with clients that differ in their addresses. */

const WORKERS = 2;
const CLIENTS = Array.from({ length: 12 }, (_, i) => `10.9.0.${40 + i}`);
const STREAMS = 4;

let cluster: Cluster;
let browser: Channel | undefined;
afterEach(async () => {
  await browser?.close();
  await cluster.close();
});

test('connections of all workers outlive their dispatcher, and those of its return', async () => {
  cluster = await Cluster.raise({ nodes: 3, settings: { workers: WORKERS } });
  for (const address of CLIENTS) await cluster.client.addAddress(`${address}/24`);
  browser = openChannel(cluster.client, 'client.mjs');
  const streams = CLIENTS.flatMap((address) =>
    Array.from({ length: STREAMS }, (_, i) => ({ name: `${address} ${i}`, address, server: '' })),
  );
  for (const stream of streams) {
    await browser.call('openStream', stream.name, stream.address);
    stream.server = await browser.call('echo', stream.name, 'before', 5000);
  }
  const [victim, ...others] = cluster.hosts;
  const survivors = others.map(({ name }) => name);
  const kept = streams.filter(({ server }) => survivors.includes(server));
  expect(new Set(kept.map(({ server }) => server))).toEqual(new Set(survivors));
  expect(new Set(kept.map(({ address }) => address)).size).toBeGreaterThan(CLIENTS.length / 2);

  await victim.kill();
  const { counters, connections } = await cluster.whole();
  expect(connections.established).toBeGreaterThanOrEqual(kept.length);
  const answered = async (line: string) => {
    const servers: (string | undefined)[] = [];
    for (const { name } of kept) servers.push(await browser!.call('echo', name, line, 5000));
    return servers;
  };
  expect(await answered('killed')).toEqual(kept.map(({ server }) => server));
  expect(Object.keys(counters.framesByWorker)).toHaveLength(WORKERS);

  await victim.start();
  const status = await cluster.whole();
  expect(status.address).toBe(victim.address);
  expect(await answered('returned')).toEqual(kept.map(({ server }) => server));
  const frames = Object.values(
    (await victim.node.status()).counters.framesByWorker as Record<string, number>,
  );
  expect(frames).toHaveLength(WORKERS);
  expect(Math.min(...frames)).toBeGreaterThan(0);
});
