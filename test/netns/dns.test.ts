import { Cluster } from '@ringmaster/lab';
import { controlRequest } from '@ringmaster/node';
import { afterEach, expect, test } from 'vitest';

/** Issue "the other seed systems", O6: a name server answers with the addresses that somebody serves. */

let cluster: Cluster;
afterEach(() => cluster.close());

const ASK = `
  const { Resolver } = require('node:dns').promises;
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers(['10.0.0.11:53']);
  resolver.resolve4('www.example.org', { ttl: true }).then((found) => console.log(JSON.stringify(found)));`;

const A = { address: '10.0.0.100', ports: [{ port: 80 }] };
const B = { address: '10.0.0.101', ports: [{ port: 80 }] };

test('an address that nobody serves is left out, and comes back with its first server', async () => {
  const dns = { listen: '10.0.0.11:53', name: 'www.example.org', ttlS: 2 };
  cluster = await Cluster.build({
    nodes: 2,
    perNode: (i) => ({
      settings: i === 0 ? { dns, clusters: [A, B], capabilities: ['dispatch'] } : { clusters: [A] },
    }),
  });
  const [, n2] = cluster.hosts;
  await Promise.all(cluster.hosts.map((host) => host.start()));
  const asked = async (): Promise<unknown> => {
    const { stdout } = await cluster.client.exec(process.execPath, ['-e', ASK]);
    const found = JSON.parse(stdout) as { address: string; ttl: number }[];
    expect(found.every(({ ttl }) => ttl === 2)).toBe(true);
    return found.map(({ address }) => address).sort();
  };
  await expect.poll(asked).toEqual(['10.0.0.100']);
  await n2.configure({ clusters: [A, B] });
  expect(await controlRequest(n2.node.controlSocket, '/reload', {})).toMatchObject({
    value: { outcome: 'applied' },
  });
  await expect.poll(asked).toEqual(['10.0.0.100', '10.0.0.101']);
});
