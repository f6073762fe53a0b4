import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientFrame, virtualMacOf } from '@ringmaster/dispatch';
import { burst, Cluster, HeldConnections, ringmaster, type ClusterHost } from '@ringmaster/lab';
import type { ConnectionsDocument, ExplainDocument } from '@ringmaster/node';
import { encodePcap, type IpAddress, parseIp } from 'libnetraw/wire';
import { afterEach, describe, expect, test } from 'vitest';

/** Row N7: what `explain` says is what then happens, on real packets. */

const CONNECTIONS = 12;
let cluster: Cluster;
afterEach(() => cluster.close());

async function command<T>(host: ClusterHost, ...args: string[]): Promise<T> {
  const config = ['--json', '--config', host.node.configFile];
  const { code, stdout, stderr } = await ringmaster(host.host, ...args, ...config);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

const explain = (host: ClusterHost, ...args: string[]) => command<ExplainDocument>(host, 'explain', ...args);

async function dispatcher(): Promise<ClusterHost> {
  const { address } = await cluster.whole();
  return cluster.hosts.find((host) => host.address === address) as ClusterHost;
}

describe.each(['l4/2', 'l4/3'] as const)('in %s', (mode) => {
  test('known connections are explained as they are, the next one as it comes, others by who can', async () => {
    cluster = await Cluster.raise({ mode, ring: { communicationTimeoutMs: 1000 } });
    const host = await dispatcher();
    const held = await HeldConnections.open(cluster.client, cluster.target, { connections: CONNECTIONS });
    const { connections } = await command<ConnectionsDocument>(host, 'connections');
    expect(connections).toHaveLength(CONNECTIONS);
    for (const { client, cluster: called, server } of connections.slice(0, 4)) {
      const { frames } = await explain(host, 'tcp', client, called);
      expect(frames).toMatchObject([
        { verdict: server === host.address ? 'local' : 'forward', server, connection: { server } },
      ]);
    }
    const [{ cluster: called }] = connections;
    const { frames } = await explain(host, 'tcp', '10.9.0.2:9', called);
    expect(frames).toMatchObject([{ connection: null, service: { scheduler: 'round-robin' } }]);
    const { servers } = await burst(cluster.client, cluster.target, { count: 1 });
    const next = cluster.hosts.find(({ name }) => name in servers);
    expect(frames[0].server).toBe(next?.address);
    const other = cluster.hosts.find(({ address }) => address !== host.address) as ClusterHost;
    const elsewhere = await explain(other, 'tcp', '10.9.0.2:9', called);
    expect(elsewhere).toMatchObject({ dispatching: false, dispatcher: host.address });
    expect(elsewhere.frames[0].why).toContain(`${host.address} does: ask there`);
    await held.close();
  });
});

test('a capture: a conversation that it opens, and what is nobody else’s', async () => {
  cluster = await Cluster.raise({ ring: { communicationTimeoutMs: 1000 } });
  const host = await dispatcher();
  const [address, port] = cluster.target.split(':');
  const clusterAddress = parseIp(address) as IpAddress;
  const said = {
    ...{
      clientAddress: parseIp('10.9.0.2') as IpAddress,
      clientPort: 1234,
      clusterAddress,
      port: Number(port),
    },
    ...{ protocol: 6, virtualMac: virtualMacOf(clusterAddress), sourceMac: Uint8Array.of(2, 0, 0, 0, 0, 9) },
  };
  const frames = [
    clientFrame({ ...said, packet: 'syn' }),
    clientFrame({ ...said, packet: 'data' }),
    clientFrame({ ...said, packet: 'data', clientPort: 4321 }),
    clientFrame({ ...said, packet: 'syn', port: 81 }),
    new Uint8Array(60),
  ].map((bytes, i) => ({ atMs: i, bytes }));
  const file = join(host.node.configFile, '..', 'some.pcap');
  writeFileSync(file, encodePcap(frames));
  const { frames: explained } = await explain(host, '--pcap', file);
  expect(explained.map(({ verdict, reason }) => reason ?? verdict)).toEqual([
    expect.stringMatching(/^(forward|local)$/),
    explained[0].verdict,
    'unknownConnection',
    'noService',
    'ignore',
  ]);
  expect(explained[1].server).toBe(explained[0].server);
});
