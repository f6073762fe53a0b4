import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// As it was built: its thread runs no TypeScript.
import { examineBeside } from '@ringmaster/node';
import { describe, expect, it } from 'vitest';
import { configChanges, parseConfig, reloadingOfChange, type NodeConfig } from '../../src/config/index.js';

const port = (number: number, more: object = {}) => ({ port: number, ...more });
const cluster = (address: string, ...ports: object[]) => ({ address, ports });

function config(clusters: object[], more: object = {}, file = '/a.yaml'): NodeConfig {
  const text = JSON.stringify({ interface: 'eth0', ring: { insecure: true }, clusters, ...more });
  const parsed = parseConfig(text, file);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}

const one = cluster('10.0.0.100', port(80));
const two = cluster('10.0.0.101', port(80), port(53, { protocol: 'udp' }));

describe('the difference between two configurations', () => {
  it('is nothing between two ways of saying the same', () => {
    const written = config([cluster('10.0.0.100', port(80, { protocol: 'tcp' }))], { weight: 1 }, '/b.yaml');
    expect(configChanges(config([one]), written)).toEqual([]);
    expect(configChanges(config([one, two]), config([two, one]))).toEqual([]);
  });

  it('names each value that differs, in both directions', () => {
    const before = config([one, two]);
    const after = config(
      [cluster('10.0.0.101', port(53, { protocol: 'udp', scheduler: 'maglev' }), port(443))],
      { weight: 4 },
    );
    const changes = configChanges(before, after);
    expect(changes.map(({ path }) => path).sort()).toEqual([
      'clusters[10.0.0.100]',
      'clusters[10.0.0.101].ports[443/tcp]',
      'clusters[10.0.0.101].ports[53/udp].scheduler',
      'clusters[10.0.0.101].ports[80/tcp]',
      'weight',
    ]);
    expect(changes.find(({ path }) => path === 'weight')).toEqual({ path: 'weight', from: 1, to: 4 });
    const back = configChanges(after, before);
    expect(back.map(({ path, from, to }) => ({ path, from: to, to: from }))).toEqual(
      expect.arrayContaining(changes),
    );
  });

  it('shows what is gone and what has come whole', () => {
    const health = { http: 'http://127.0.0.1/' };
    const [change] = configChanges(config([one]), config([cluster('10.0.0.100', port(80, { health }))]));
    expect(change).toMatchObject({ path: 'clusters[10.0.0.100].ports[80/tcp].health', from: null });
    expect(change.to).toMatchObject(health);
  });
});

describe('what a reload can change', () => {
  it.each([
    ['weight', 'reload'],
    ['clusters[10.0.0.100]', 'reload'],
    ['clusters[2001:db8::64].ports[80/tcp]', 'reload'],
    ['clusters[10.0.0.100].ports[80/tcp].health.intervalMs', 'reload'],
    ['clusters[10.0.0.100].ports[80/tcp].targetPort', 'restart'],
    ['ring.election.position', 'reload'],
    ['ring.port', 'restart'],
    ['somethingNew.ofTomorrow', 'restart'],
  ])('%s: %s', (path, expected) => {
    expect(reloadingOfChange({ path })).toBe(expected);
  });
});

describe('a file that is read while a node runs', () => {
  it('says the same, be it large or small', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ringmaster-examine-'));
    try {
      const file = join(directory, 'ringmaster.yaml');
      const text = JSON.stringify({ interface: 'eth0', ring: { insecure: true }, clusters: [one, two] });
      for (const comment of ['', `# ${'x'.repeat(80)}\n`.repeat(400)]) {
        writeFileSync(file, `${comment}${text}`);
        const examined = await examineBeside(file);
        expect(examined.ok && examined.config.clusters).toHaveLength(2);
        writeFileSync(file, `${comment}${text.replace('eth0', 'far too long a name')}`);
        expect((await examineBeside(file)).ok).toBe(false);
      }
      rmSync(file);
      expect(await examineBeside(file)).toMatchObject({ ok: false, problems: [{ code: 'unreadable' }] });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
