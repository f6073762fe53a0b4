import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configTemplate, parseConfig } from '../../src/config/index.js';
import { keysAt } from '../../src/config/schema.js';

const TEXT = readFileSync(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8');
const [SHORTEST, WHOLE] = [...TEXT.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml]) => yaml);

/** Every key that may be written, wherever it stands. */
const KEYS = [
  ...keysAt([]),
  ...keysAt(['ring']),
  ...keysAt(['clusters', 0]),
  ...keysAt(['clusters', 0, 'ports', 0]),
  ...keysAt(['clusters', 0, 'ports', 0, 'health']),
  ...keysAt(['clusters', 0, 'ports', 0, 'servers', 0]),
  ...keysAt(['control']),
];

describe('docs/configuration.md', () => {
  it.each(KEYS)('explains %s', (key) => {
    expect(TEXT).toMatch(new RegExp(`^(\\| \`${key}\` \\||##+ \`${key}\`$)`, 'm'));
  });

  it('has examples that a node accepts, the long one being the short one written out', () => {
    const [shortest, whole] = [SHORTEST, WHOLE].map((text) => parseConfig(text, '/etc/ringmaster.yaml'));
    if (!shortest.ok || !whole.ok) throw new Error(JSON.stringify([shortest, whole]));
    const { address, clusters, ...rest } = whole.value;
    expect(address).toBe('10.0.0.11');
    expect(clusters[0].ports[0].health?.http).toBe('http://127.0.0.1:80/');
    const { clusters: shortClusters, ...shortRest } = shortest.value;
    expect(rest).toEqual(shortRest);
    expect(shortClusters[0].ports[0]).toEqual({
      port: 80,
      protocol: 'tcp',
      scheduler: 'round-robin',
      stateless: false,
    });
  });
});

it('the template names every key that this version has', () => {
  const template = configTemplate({ interface: 'eth0', address: '10.0.0.100' });
  const absent = KEYS.filter((key) => !new RegExp(`\\b${key}:`).test(template));
  expect(absent).toEqual([]);
});
