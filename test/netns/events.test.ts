import { get } from 'node:http';
import { join } from 'node:path';
import type { NodeEvent } from '@ringmaster/node';
import { Cluster, ringmaster, waitForDispatcher, type ClusterHost } from '@ringmaster/lab';
import { afterEach, expect, test } from 'vitest';

/** What a survivor tells of a failover: who is gone, what it is now, and what it has learned. */

/** As Prometheus would, but over the control socket. */
function scrape(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = get({ socketPath, path: '/metrics' }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve(text));
    });
    asked.on('error', reject);
  });
}

let cluster: Cluster;
afterEach(() => cluster.close());

async function told({ host, node }: ClusterHost, since = 0): Promise<NodeEvent[]> {
  const args = ['events', '--no-follow', '--json', '--since', String(since), '--config', node.configFile];
  const { stdout } = await ringmaster(host, ...args);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as NodeEvent);
}

test('a failover is told by the node that takes over, in order', async () => {
  cluster = await Cluster.raise({ nodes: 3 });
  const [victim, heir, third] = cluster.hosts;
  // While the ring came together, others may have dispatched for a moment.
  const before = await Promise.all([heir, third].map(async (host) => (await told(host)).length));
  expect((await told(heir)).some(({ kind }) => kind === 'start')).toBe(true);
  await victim.kill();
  await waitForDispatcher([heir, third]);
  const news = () => told(heir, before[0]);
  await expect.poll(async () => (await news()).some(({ kind }) => kind === 'rebuild')).toBe(true);
  const events = await news();
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => before[0] + i + 1));
  const gone = events.findIndex(({ member, change }) => member === victim.address && change === 'inactive');
  const role = events.findIndex(({ kind, role }) => kind === 'role' && role === 'dispatcher');
  const learned = events.findIndex(({ kind, complete }) => kind === 'rebuild' && complete === true);
  expect(gone).toBeGreaterThanOrEqual(0);
  expect(role).toBeGreaterThan(gone);
  expect(learned).toBeGreaterThan(role);
  const metrics = await scrape(join(heir.host.directory, 'ringmaster.sock'));
  expect(metrics).toContain('ringmaster_role{role="dispatcher"} 1\n');
  expect(metrics).toContain('ringmaster_ring_members{state="active"} 2\n');
  expect(metrics).toContain('ringmaster_rebuild_progress_ratio 1\n');
  const others = await told(third, before[1]);
  expect(others.some(({ member, change }) => member === victim.address && change === 'inactive')).toBe(true);
  expect(others.some(({ role }) => role === 'dispatcher')).toBe(false);
});
