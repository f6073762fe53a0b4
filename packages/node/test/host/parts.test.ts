import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { broadcastOf, findInterface } from '../../src/host/index.js';
import { isAlive, ownIdentity, parseProcessStat } from '../../src/host/processIdentity.js';
import { FakeNetwork } from './fakeNetwork.js';

describe('the identity of a process', () => {
  it('is alive while it runs, and not after it or when its pid is used again', async () => {
    const own = ownIdentity();
    expect(isAlive(own)).toBe(true);
    expect(isAlive({ ...own, startTicks: `${Number(own.startTicks) + 1}` })).toBe(false);
    expect(isAlive({ ...own, bootId: 'another' })).toBe(false);
    const child = spawn('true');
    const { pid } = child;
    await new Promise((resolve) => child.on('exit', resolve));
    expect(isAlive({ ...own, pid: pid! })).toBe(false);
  });

  it('is read behind a command name that tries to confuse', () => {
    const rest = Array.from({ length: 50 }, (_, index) => String(index + 4)).join(' ');
    expect(parseProcessStat(`12 (a) R 1 2 (b)) S ${rest}`)).toEqual({ state: 'S', startTicks: '22' });
    expect(parseProcessStat('')).toBeUndefined();
    expect(parseProcessStat('12 (short) S 1')).toBeUndefined();
  });
});

it.each([
  ['10.0.0.11', 24, '10.0.0.255'],
  ['192.168.5.130', 25, '192.168.5.255'],
  ['10.0.0.1', 8, '10.255.255.255'],
  ['10.0.0.1', 31, '10.0.0.1'],
  ['10.0.0.1', 32, '10.0.0.1'],
])('the broadcast address of %s/%i is %s', (address, prefixLength, expected) => {
  expect(broadcastOf(address, prefixLength)).toBe(expected);
});

describe('the ring address', () => {
  const network = new FakeNetwork();

  it('is the first of the interface that is no cluster address, or the one that is asked for', () => {
    const address = (wanted?: string, clusters: string[] = []) => {
      const result = findInterface(
        network,
        'eth0',
        wanted === undefined ? {} : { address: wanted },
        clusters,
      );
      return result.ok ? result.value.address : result.problem.message;
    };
    expect(address()).toBe('10.0.0.11');
    expect(address(undefined, ['10.0.0.11'])).toBe('10.0.0.12');
    expect(address('10.0.0.12')).toBe('10.0.0.12');
    expect(address('10.0.0.13')).toBe(
      'interface eth0 does not have the address 10.0.0.13; it has 10.0.0.11, 10.0.0.12',
    );
  });
});
