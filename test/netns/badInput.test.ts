import { Cluster, ringmaster, writeNodeFile, type ClusterHost, type NodeFile } from '@ringmaster/lab';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostState } from './hostState.js';

/** Whatever is wrong: one clear message with what to do, an exit code that is not 0, nothing left on the host. */

let cluster: Cluster;
let node: ClusterHost;
let other: ClusterHost;

beforeAll(async () => {
  cluster = await Cluster.build({ nodes: 2 });
  [node, other] = cluster.hosts;
});
afterAll(() => cluster.close());

interface Refusal {
  readonly code: number | null;
  readonly said: string;
}

/** Runs `ringmaster up` with `config`, which must end by itself, and checks that the host is as before. */
async function refused(config: NodeFile, wrapper: readonly string[] = []): Promise<Refusal> {
  const before = await hostState(node.host);
  const { file } = await writeNodeFile(node.host, config);
  const args = [...wrapper, process.execPath, RINGMASTER, 'up', '--config', file];
  const { code, stdout, stderr } = await node.host.exec('timeout', ['-k', '1', '20', ...args]);
  const said = stdout + stderr;
  expect(said).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m); // a stack trace is no message
  expect(code, said).not.toBe(0);
  expect(code, said).not.toBe(124); // it did not end by itself
  expect(await hostState(node.host)).toEqual(before);
  return { code, said };
}

const RINGMASTER = new URL('../../packages/cli/bin/ringmaster.js', import.meta.url).pathname;

const serving = (address: string) => [{ address, ports: [{ port: 80 }] }];

describe('ringmaster up refuses', () => {
  test('an unknown key and a wrong type, both at once, with their places', async () => {
    const ring = { ...(node.config['ring'] as object), heartbeatIntervalMs: 'fast' };
    const { said } = await refused({ ...node.config, ring, interfaze: 'eth0' });
    expect(said).toContain('interfaze');
    expect(said).toContain('ring.heartbeatIntervalMs');
  });

  test('a file that is not there', async () => {
    const { code, stderr } = await ringmaster(node.host, 'up', '--config', '/nowhere/ringmaster.yaml');
    expect(code).not.toBe(0);
    expect(stderr).toContain('/nowhere/ringmaster.yaml');
  });

  test('an interface that does not exist, naming those that do', async () => {
    const { said } = await refused({ ...node.config, interface: 'eth9' });
    expect(said).toContain('eth9');
    expect(said).toContain('eth0');
  });

  test("a cluster address that is another host's, telling whose", async () => {
    const { said } = await refused({ ...node.config, clusters: serving(other.address) });
    expect(said).toContain(other.address);
    expect(said.toLowerCase()).toContain(other.host.mac);
  });

  test('a key file that is missing', async () => {
    const { said } = await refused({ ...node.config, ring: { keyFile: '/nowhere/cluster.key' } });
    expect(said).toContain('/nowhere/cluster.key');
  });

  test('a key that is too short', async () => {
    const keyFile = join(node.host.directory, 'short.key');
    await writeFile(keyFile, 'c2hvcnQ=\n', { mode: 0o600 });
    const { said } = await refused({ ...node.config, ring: { keyFile } });
    expect(said).toContain('short.key');
    expect(said).toMatch(/32/);
  });

  test('to run without the privilege for raw sockets', async () => {
    const { said } = await refused(node.config, ['setpriv', '--bounding-set=-all', '--inh-caps=-all']);
    expect(said).toMatch(/CAP_NET_RAW|CAP_NET_ADMIN/);
  });

  test('a ring port that is in use', async () => {
    const bind = "require('node:dgram').createSocket('udp4').bind(7400, () => console.log('bound'))";
    const holder = node.host.spawn(process.execPath, ['-e', bind]);
    await holder.waitForLine((line) => line === 'bound', 10_000);
    const { said } = await refused(node.config);
    expect(said).toContain('7400');
    await holder.stop();
  });

  test('a control socket where it cannot be', async () => {
    const occupied = join(node.host.directory, 'occupied');
    await mkdir(join(occupied, 'by-a-directory'), { recursive: true });
    const { said } = await refused({ ...node.config, control: { socket: occupied } });
    expect(said).toContain(occupied);
    await rm(occupied, { recursive: true });
  });

  test('to run twice; the first goes on', async () => {
    const running = await node.startNode();
    const { code, stdout, stderr } = await ringmaster(node.host, 'up', '--config', running.configFile);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/already|runs|in use/);
    expect((await running.status()).role).toBe('standalone');
    await running.stop();
  });
});
