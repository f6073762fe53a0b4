import { burst, Cluster, CLUSTER_ADDRESS, type NodeFile } from '@ringmaster/lab';
import { afterEach, expect, test } from 'vitest';

/** Row U2 with real traffic: one port for each scheduler, and whom the connections reached. */

let cluster: Cluster | undefined;
afterEach(() => cluster?.close());

const NODES = 3;
/** The lab's client, 10.9.0.2, as the number that source-hash divides. */
const CLIENT = ((10 * 256 + 9) * 256 + 0) * 256 + 2;

const served = async (scheduler: string): Promise<readonly string[]> => {
  const port = { port: 80, protocol: 'tcp', scheduler };
  const clusters = [{ address: CLUSTER_ADDRESS, mode: 'l4/2', ports: [port] }];
  const settings = (index: number): NodeFile => ({ clusters, weight: [1, 3, 6][index] });
  cluster = await Cluster.raise({ nodes: NODES, perNode: (index) => ({ settings: settings(index) }) });
  return reached(cluster);
};

/** The hosts in the order of how often they served, each as often as it did, in tenths of all. */
async function reached({ client, target }: Cluster): Promise<string[]> {
  const count = 400;
  const { servers, failed } = await burst(client, target, { count });
  expect(failed).toBe(0);
  return Object.entries(servers)
    .map(([name, times]) => `${name} ${Math.round((10 * times) / count)}`)
    .sort();
}

test('weighted-round-robin: one to three to six', async () => {
  expect(await served('weighted-round-robin')).toEqual(['n1 1', 'n2 3', 'n3 6']);
});

test('source-hash: the client has one server; when that dies, the one that the rule names; then its own again', async () => {
  const own = CLIENT % NODES;
  expect(await served('source-hash')).toEqual([`n${own + 1} 10`]);
  const others = cluster!.hosts.filter((_, index) => index !== own);
  await cluster!.hosts[own].kill();
  await cluster!.whole();
  expect(await reached(cluster!)).toEqual([`${others[CLIENT % 2].name} 10`]);
  await cluster!.hosts[own].start();
  await cluster!.whole();
  expect(await reached(cluster!)).toEqual([`n${own + 1} 10`]);
});

test('maglev: the client has one server, whoever dispatches', async () => {
  const before = await served('maglev');
  expect(before).toHaveLength(1);
  // 10.9.0.2 is not the dispatcher's own; if the hash is ever changed, this says so.
  expect(before).not.toEqual(['n1 10']);
  await cluster!.hosts[0].kill();
  await cluster!.whole();
  expect(await reached(cluster!)).toEqual(before);
});

test('weighted-least-connections and two-random-choices: everybody serves, nothing fails', async () => {
  for (const scheduler of ['weighted-least-connections', 'two-random-choices']) {
    expect(await served(scheduler)).toHaveLength(NODES);
    await cluster!.close();
  }
  cluster = undefined;
});
