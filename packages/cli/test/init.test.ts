import type { HostNetwork } from '@ringmaster/node';
import { expect, it } from 'vitest';
import { guess, proposeClusterAddress } from '../src/commands/init.js';

it.each([
  ['10.0.0.11', 24, '10.0.0.100'],
  ['10.0.0.100', 24, '10.0.0.99'],
  ['192.168.4.7', 29, '192.168.4.6'],
  ['192.168.4.6', 29, '192.168.4.5'],
  ['172.16.3.9', 16, '172.16.0.100'],
])('for a host with %s/%i proposes the cluster address %s', (own, prefixLength, expected) => {
  expect(proposeClusterAddress(own, prefixLength)).toBe(expected);
});

it('guesses only what was not said', () => {
  const link = (name: string, index: number, up = true) => ({
    name,
    index,
    up,
    mac: new Uint8Array(6),
    mtuBytes: 1500,
  });
  const network = {
    links: () => [link('lo', 1), link('eth0', 2), link('eth1', 3), link('eth2', 4, false)],
    addresses: () => [
      { interface: 'lo', address: '127.0.0.1', prefixLength: 8 },
      { interface: 'eth1', address: '10.4.0.7', prefixLength: 24 },
    ],
  } as unknown as HostNetwork;
  expect(guess(network, {})).toEqual({
    interface: 'eth1',
    address: '10.4.0.100',
    notes: [
      'interface eth1: the first one that could be the right one',
      'cluster address 10.4.0.100: a proposal, put the one there that clients shall call',
    ],
  });
  expect(guess(network, { interface: 'eth9', address: '10.0.0.1' })).toEqual({
    interface: 'eth9',
    address: '10.0.0.1',
    notes: [],
  });
});
