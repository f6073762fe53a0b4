import { burst, Cluster, type ClusterHost } from '@ringmaster/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** Row S10, rule R17: as long as one node lives the address is served; the ring grows back. */

let cluster: Cluster;
beforeAll(async () => (cluster = await Cluster.raise()));
afterAll(() => cluster.close());

const requestsServedBy = async (expected: readonly ClusterHost[]) => {
  const { servers, failed } = await burst(cluster.client, cluster.target, { count: 120, timeout: 5000 });
  expect(failed).toBe(0);
  expect(Object.keys(servers).sort()).toEqual(expected.map(({ name }) => name).sort());
};

test('three nodes are killed one after another; the last serves alone; started again, the ring grows back', async () => {
  const [n1, n2, n3, n4] = cluster.hosts;
  const killed = [n1, n3, n2];
  for (const host of killed) {
    await host.kill();
    const { address } = await cluster.whole();
    expect(address).toBe(cluster.living[0].address);
    await requestsServedBy(cluster.living);
  }
  expect(await n4.node.status()).toMatchObject({ role: 'standalone', ring: { dispatcher: n4.address } });
  for (const host of killed) {
    await host.start();
    const { address } = await cluster.whole();
    expect(address).toBe(cluster.living[0].address);
    await requestsServedBy(cluster.living);
  }
});
