import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  configTemplate,
  configurationSchemaText,
  parseConfig,
  SCHEMA_FILE,
  withKeyTables,
} from '../../src/config/index.js';
import { markedSections, sections } from '../../src/config/documentation/keyTables.js';
import { keysAt } from '../../src/config/schema/keys.js';

const fromDocs = (name: string): string =>
  readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), 'utf8');
const TEXT = fromDocs('configuration.md');
const [SHORTEST, WHOLE] = [...TEXT.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml]) => yaml);

/** Every key that may be written, wherever it stands. */
const KEYS = sections().flatMap((path) =>
  keysAt(
    path.split('.').flatMap((step) => (/^(clusters|ports|servers)$/.test(step) ? [step, 0] : step || [])),
  ),
);

describe('what is made from the schema', () => {
  it('is in docs/ as `npm run docs` makes it', () => {
    expect(TEXT).toBe(withKeyTables(TEXT));
    expect(fromDocs(SCHEMA_FILE)).toBe(configurationSchemaText());
  });

  it('has a table for every section', () => {
    // That of `outside` is one key, which its line explains.
    const wanted = sections().filter((path) => path !== 'outside');
    expect(markedSections(TEXT).toSorted()).toEqual(wanted.toSorted());
    expect(KEYS.length).toBeGreaterThan(40);
  });

  it('has a description of every key', () => {
    expect(TEXT.match(/^\| `\w+` \|.*\|  \|$/gm) ?? []).toEqual([]);
  });
});

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
