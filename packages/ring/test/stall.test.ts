import { describe, expect, it } from 'vitest';
import { Network } from './network.js';

const HOUR_MS = 3_600_000;

/** A host whose event loop stands still for `stallMs`, ten times a minute, for an hour of virtual time (R14, R15). */
function hourOfStalls(stallMs: number, victim: string): { network: Network; stalls: number } {
  const network = new Network();
  for (const name of ['.2', '.3', '.4', '.5']) network.start(name);
  network.run(1000);
  network.log.length = 0;
  let stalls = 0;
  for (const endMs = network.nowMs + HOUR_MS; network.nowMs < endMs; stalls++) {
    // Not in step with the heartbeat.
    network.run(6000 + (stalls % 7) * 9);
    network.pause(victim, stallMs);
  }
  network.run(1000);
  return { network, stalls };
}

describe.each([
  ['the dispatcher and master', '.2'],
  ['a server', '.4'],
])('an hour of stalls of 200 ms on %s', (_, victim) => {
  it('leads to no purge, no repair, no change of role', { timeout: 120_000 }, () => {
    const { network, stalls } = hourOfStalls(200, victim);
    expect(stalls).toBeGreaterThan(590);
    for (const name of network.names()) {
      const { counters } = network.state(name);
      expect(counters, name).toMatchObject({ purges: 0, repairs: 0, expulsions: 0 });
    }
    expect(network.state(victim).counters.pauses).toBeGreaterThan(500);
    expect(network.log).toEqual([]);
  });
});

describe('stalls that are too long to hide', () => {
  it('are noticed: the test above can fail', () => {
    const network = new Network();
    for (const name of ['.2', '.3', '.4', '.5']) network.start(name);
    network.run(1000);
    network.pause('.4', 2000);
    network.run(3000);
    expect(network.state('.5').counters.repairs + network.state('.4').counters.expulsions).toBeGreaterThan(0);
  });
});
