import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { StatusDocument } from '@ringmaster/node';
import { burst, Cluster, CLUSTER_ADDRESS, nowMs, ringmaster, type ClusterHost } from '@ringmaster/lab';
import { afterEach, expect, test } from 'vitest';

/** Row S11 with real nodes: checks by command and over https; who fails leaves, who does not work yet does not join. */

let cluster: Cluster;
afterEach(() => cluster.close());

const PATIENCE_MS = 20_000;
const ring = { communicationTimeoutMs: 1000 };

async function until(host: ClusterHost, holds: (status: StatusDocument) => boolean): Promise<StatusDocument> {
  const deadline = nowMs() + PATIENCE_MS;
  for (;;) {
    const status = await host.node.status();
    if (holds(status)) return status;
    if (nowMs() > deadline) throw new Error(JSON.stringify([status.ring, status.health]));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const active = ({ ring: { members } }: StatusDocument): string[] =>
  members.filter((member) => member.active).map(({ address }) => address);

const served = async (): Promise<string[]> => {
  const { servers, failed } = await burst(cluster.client, cluster.target, { count: 60 });
  expect(failed).toBe(0);
  return Object.keys(servers).sort();
};

/** Each node's own check, among them its directory. */
const build = (health: (index: number) => object): Promise<Cluster> =>
  Cluster.build({
    nodes: 2,
    ring,
    perNode: (index) => {
      const port = { port: 80, protocol: 'tcp', health: health(index) };
      return { settings: { clusters: [{ address: CLUSTER_ADDRESS, mode: 'l4/2', ports: [port] }] } };
    },
  });

test('by command: a node joins when it is well, leaves when it is not, and returns', async () => {
  const marker = join('/tmp', `ringmaster-ill-${process.pid}-${Date.now()}`);
  const script = 'if test -e "$1"; then echo "out of order"; exit 1; fi';
  const ill = (index: number) => (index === 1 ? marker : '/nowhere');
  cluster = await build((index) => ({
    command: ['/bin/sh', '-c', script, 'check', ill(index)],
    intervalMs: 100,
    timeoutMs: 5000,
  }));
  const [n1, n2] = cluster.hosts;
  try {
    writeFileSync(marker, '');
    await Promise.all(cluster.hosts.map((host) => host.start()));
    const waiting = await until(n2, ({ health }) => health?.[0]?.state === 'ill');
    expect(waiting.health![0]).toMatchObject({
      ok: false,
      lastFailure: '/bin/sh ended with 1: out of order',
    });
    await until(n1, (status) => status.role === 'standalone');
    expect(await served()).toEqual(['n1']);

    rmSync(marker);
    await cluster.whole();
    expect(await served()).toEqual(['n1', 'n2']);
    expect((await ringmaster(n2.host, 'status', '--config', n2.node.configFile)).stdout).toMatch(
      /^health: command \/bin\/sh .* good, answered in \d+ ms$/m,
    );

    writeFileSync(marker, '');
    await until(n1, (status) => !active(status).includes(n2.address));
    expect(await served()).toEqual(['n1']);
    rmSync(marker);
    await cluster.whole();
    expect(await served()).toEqual(['n1', 'n2']);
  } finally {
    rmSync(marker, { force: true });
  }
});

test('over https: a certificate that nobody vouches for keeps a node out, unless it is told to take it', async () => {
  const pem = (name: string): string =>
    readFileSync(
      fileURLToPath(new URL(`../../packages/node/test/health/tls/${name}`, import.meta.url)),
      'utf8',
    );
  const https = { http: 'https://127.0.0.1:443/', status: 204, intervalMs: 100, timeoutMs: 5000 };
  cluster = await build((index) => ({ ...https, insecure: index === 0 }));
  const [n1, n2] = cluster.hosts;
  const program = `require('node:https').createServer(
    ${JSON.stringify({ key: pem('key.pem'), cert: pem('certificate.pem') })},
    (_, response) => response.writeHead(204).end(),
  ).listen(443, () => console.log('listening'));`;
  for (const { host } of cluster.hosts) {
    await host
      .spawn(process.execPath, ['-e', program])
      .waitForLine((line) => line === 'listening', PATIENCE_MS);
  }
  await Promise.all(cluster.hosts.map((host) => host.start()));
  await until(n1, (status) => status.role === 'standalone');
  const { health } = await until(n2, (status) => status.health?.[0]?.state === 'ill');
  expect(health![0].lastFailure).toContain('self-signed certificate');
  expect(await served()).toEqual(['n1']);
});
