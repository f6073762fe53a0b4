import { Cluster } from '@ringmaster/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openChannel, type Channel } from './channel.js';

/** Datagrams that are larger than the network's packets, and so come to the dispatcher in parts (trap 9). */
const DATAGRAMS = 30;
const BYTES = 4000;
const PATIENCE_MS = 5000;

let cluster: Cluster;
let client: Channel;

beforeAll(async () => {
  cluster = await Cluster.raise({ families: [4, 6], nodes: 3, bulk: true });
  client = openChannel(cluster.client, 'datagrams.mjs');
});

afterAll(async () => {
  await client?.close();
  await cluster?.close();
});

/** What the dispatcher has dropped of fragments, all reasons together. */
async function droppedFragments(): Promise<number> {
  const { address } = await cluster.whole();
  const { dropped } = (await cluster.hostAt(address).node.status()).counters;
  const reasons = ['fragment', 'badFragment', 'fragmentOverlap'];
  return reasons.reduce((sum, reason) => sum + (dropped[reason] ?? 0), 0);
}

test.each([4, 6] as const)(
  'IPv%i: every datagram reaches one server, and comes back whole',
  async (family) => {
    const host = cluster.layout.clusterAddress(family);
    const port = cluster.layout.servicePort('bulk');
    const servers = new Set<string>();
    for (let n = 0; n < DATAGRAMS; n++) {
      const echo = await client.call<{ whole: boolean; server: string }>(
        'echo',
        host,
        port,
        BYTES,
        PATIENCE_MS,
      );
      expect(echo.whole).toBe(true);
      servers.add(echo.server);
    }
    expect([...servers].sort()).toEqual(['n1', 'n2', 'n3']);
    expect(await droppedFragments()).toBe(0);
  },
);
