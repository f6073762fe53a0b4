import { isIPv4, isIPv6 } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { configTemplate, configurationSchema } from '../../src/config/index.js';
import { fileSchema } from '../../src/config/schema/file.js';
import { BAD, FULL, GOOD } from './fixtures.js';

/** As an editor does it. */
const ajv = new Ajv2020({ formats: { ipv4: isIPv4, ipv6: isIPv6 }, allowUnionTypes: true });
const validate = ajv.compile(configurationSchema());

const isRight = (raw: unknown): boolean => fileSchema.safeParse(raw).success;

const HEALTH = GOOD.replace(
  '- port: 80',
  '- port: 80\n        health: { http: "https://a/", status: [204, 300-399] }',
);
const TEMPLATE = configTemplate({ interface: 'eth0', address: '10.0.0.100' });
const RIGHT = [GOOD, FULL, HEALTH, TEMPLATE].map((text) => parse(text) as object);

it('takes what a node takes', () => {
  for (const raw of RIGHT) expect([validate(raw), validate.errors]).toEqual([true, null]);
});

it('takes a section with nothing in it, which counts as left out', () => {
  expect(validate(parse(`${GOOD}control:\n`))).toBe(true);
  expect(validate({ ...RIGHT[0], ring: null })).toBe(false);
});

/** Texts that are no YAML at all have no shape. */
const shaped = BAD.flatMap(([what, text]) => {
  try {
    return [[what, parse(text) as unknown] as const];
  } catch {
    return [];
  }
});

it.each(shaped)('judges the shape of a file with %s as a node does', (_, raw) => {
  expect(validate(raw)).toBe(isRight(raw));
});

it('is not shown right files only', () => {
  expect(shaped.filter(([, raw]) => !isRight(raw)).length).toBeGreaterThan(8);
});

/** Every place in a tree. */
function placesOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  const inner = keys.flatMap((key) => placesOf((value as Record<string, unknown>)[key], [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

const VALUES: readonly unknown[] = [
  ...[0, -1, 1, 1.5, 33, 200, 65535, 65536, 1e9, '', 'x', 'tcp', 'l4/3', 'a b', true, [], {}, ['x'], [[]]],
  ...[
    '10.0.0.1',
    '10.0.0.256',
    '127.0.0.1',
    '224.0.0.1',
    '169.254.1.1',
    '0.1.2.3',
    '2001:db8::1',
    '::1',
    'fe80::1',
  ],
  ...[
    'ff02::1',
    '::',
    'fe80::1%eth0',
    '200-299',
    '99',
    '299-600',
    'http://a/',
    'ftp://a/',
    'a:80',
    'a:0',
    '[::1]:1',
  ],
  ...[
    'a:99999',
    { smallest: 2 },
    { smallest: 2, largest: 2 },
    { http: 'http://a/' },
    { address: '10.0.0.9' },
  ],
];

it('judges any change of a right file as a node does', () => {
  let refused = 0;
  const change = fc.constantFrom(...RIGHT).chain((raw) =>
    fc.record({
      raw: fc.constant(raw),
      path: fc.constantFrom(...placesOf(raw)),
      how: fc.constantFrom('replace', 'remove', 'extend'),
      value: fc.constantFrom(...VALUES),
    }),
  );
  fc.assert(
    fc.property(change, ({ raw, path, how, value }) => {
      const changed = structuredClone(raw);
      const last = path[path.length - 1];
      const parent = path
        .slice(0, -1)
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], changed);
      const holder = parent as Record<string | number, unknown>;
      if (how === 'replace') holder[last] = structuredClone(value);
      else if (how === 'extend')
        holder[Array.isArray(parent) ? parent.length : 'colour'] = structuredClone(value);
      else if (Array.isArray(parent)) parent.splice(last as number, 1);
      else delete holder[last];
      const right = isRight(changed);
      if (!right) refused++;
      expect(validate(changed)).toBe(right);
    }),
    { numRuns: 3000 },
  );
  expect(refused).toBeGreaterThan(100);
});
