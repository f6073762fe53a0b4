import { get } from 'node:http';
import { join } from 'node:path';
import type { NodeEvent } from '@ringmaster/node';
import { Cluster, ringmaster, waitForDispatcher } from '@ringmaster/lab';
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

test('a failover is told by the node that takes over, in order', async () => {
  cluster = await Cluster.raise({ nodes: 3 });
  const [victim, heir, third] = cluster.hosts;
  await victim.kill();
  await waitForDispatcher([heir, third]);
  const told = async (host = heir): Promise<NodeEvent[]> => {
    const { stdout } = await ringmaster(
      host.host,
      ...['events', '--no-follow', '--json', '--config', host.node.configFile],
    );
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as NodeEvent);
  };
  await expect
    .poll(async () => (await told()).some(({ kind }) => kind === 'rebuild'), { timeout: 15_000 })
    .toBe(true);
  const events = await told();
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  expect(events.some(({ kind }) => kind === 'start')).toBe(true);
  const gone = events.findLastIndex(
    ({ member, change }) => member === victim.address && change === 'inactive',
  );
  const role = events.findLastIndex(({ kind, role }) => kind === 'role' && role === 'dispatcher');
  const learned = events.findLastIndex(({ kind, complete }) => kind === 'rebuild' && complete === true);
  expect(gone).toBeGreaterThan(0);
  expect(role).toBeGreaterThan(gone);
  expect(learned).toBeGreaterThan(role);
  const metrics = await scrape(join(heir.host.directory, 'ringmaster.sock'));
  expect(metrics).toContain('ringmaster_role{role="dispatcher"} 1\n');
  expect(metrics).toContain('ringmaster_ring_members{state="active"} 2\n');
  expect(metrics).toContain('ringmaster_rebuild_progress_ratio 1\n');
  const others = await told(third);
  expect(others.some(({ member, change }) => member === victim.address && change === 'inactive')).toBe(true);
  expect(others.some(({ role }) => role === 'dispatcher')).toBe(false);
});
