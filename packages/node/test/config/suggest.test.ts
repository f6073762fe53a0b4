import { expect, it } from 'vitest';
import { suggest } from '../../src/config/suggest.js';

const KEYS = ['port', 'protocol', 'keyFile', 'heartbeatIntervalMs', 'interface', 'ring'];

it.each([
  ['prot', 'port'],
  ['key_file', 'keyFile'],
  ['heartbeatInterval', 'heartbeatIntervalMs'],
  ['iface', undefined],
  ['interfaces', 'interface'],
  ['rign', 'ring'],
  ['x', undefined],
  ['', undefined],
  ['colour', undefined],
])('for %s suggests %s', (word, expected) => {
  expect(suggest(word, KEYS)).toBe(expected);
});
