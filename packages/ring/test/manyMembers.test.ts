import { describe, expect, it } from 'vitest';
import { Network } from './network.js';

/** R8, R11: what is said while a ring is built, by its size. */
function members(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `.${i + 2}`);
}

interface Said {
  /** Announcements to everybody by each survivor, in the order of their addresses. */
  readonly broadcasts: readonly number[];
  /** Announcements to one. */
  readonly answers: number;
  readonly network: Network;
}

/** Two neighbours die at once: the others purge the ring, and re-enter it together. */
function purge(count: number): Said {
  const network = new Network();
  const names = members(count);
  for (const name of names) network.start(name);
  network.run(1000);
  network.kill('.4', true);
  network.kill('.5', true);
  network.trace = true;
  network.log.length = 0;
  network.run(900);
  const from = network.log.findIndex((line) => line.endsWith('* purge'));
  const startMs = Number.parseFloat(network.log[from] ?? '');
  const during = network.log.slice(from).filter((line) => Number.parseFloat(line) <= startMs + 105);
  const survivors = names.filter((name) => name !== '.4' && name !== '.5');
  const broadcasts = survivors.map((n) => during.filter((l) => l.includes(` ${n} -> * announce`)).length);
  const answers = during.filter((l) => / -> \.\d+ announce/.test(l)).length;
  return { broadcasts, answers, network };
}

describe('a purge', () => {
  it('of a small ring is said five times by each while it lasts, and once by who is a member again', () => {
    const { broadcasts, answers, network } = purge(8);
    expect(new Set(broadcasts)).toEqual(new Set([6]));
    expect(answers).toBe(0);
    expect(new Set(network.creationTimes()).size).toBe(1);
  });

  it('of a large ring is said three times by each, and answered by nobody', () => {
    const { broadcasts, answers, network } = purge(24);
    expect(new Set(broadcasts)).toEqual(new Set([3]));
    expect(answers).toBe(0);
    expect(new Set(network.creationTimes()).size).toBe(1);
    expect(network.show().filter((line) => line.includes('members=22'))).toHaveLength(22);
  });
});

describe('a cold start of many', () => {
  it('gives the ids to all of them in a packet or two round the ring', () => {
    const network = new Network();
    network.trace = true;
    for (const name of members(24)) network.start(name);
    network.run(1000);
    const packets = network.log.filter((line) => / \.2 -> \.3 assign/.test(line));
    const sizes = packets.map((line) => line.split('assign').length - 1);
    // .3 itself is given its own directly.
    expect(sizes.filter((size) => size > 1)).toEqual([20, 2]);
    expect(network.show().filter((line) => line.includes('members=24'))).toHaveLength(24);
  });
});
