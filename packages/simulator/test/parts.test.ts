import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PretendCryptography } from '../src/cluster/cryptography.js';
import type { Arrival } from '../src/cluster/lan.js';
import { Lan } from '../src/cluster/lan.js';
import { EventQueue } from '../src/eventQueue.js';
import { convergenceBoundMs } from '../src/index.js';
import { Random } from '../src/random.js';
import { CLEAR_SKY } from '../src/scenario/scenario.js';

describe('random streams', () => {
  it('repeat for one seed and differ between streams and seeds', () => {
    const draw = (seed: number, stream: string): number[] => {
      const random = new Random(seed, stream);
      return Array.from({ length: 20 }, () => random.uint32());
    };
    expect(draw(1, 'a')).toEqual(draw(1, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
    expect(draw(1, 'a')).not.toEqual(draw(2, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1 + 2 ** 32, 'a'));
  });

  it('stay within their ranges', () => {
    const random = new Random(7, 'ranges');
    for (let i = 0; i < 2000; i++) {
      expect(random.whole(3, 5)).toSatisfy((n: number) => [3, 4, 5].includes(n));
      expect(random.between(-1, 1)).toSatisfy((x: number) => x >= -1 && x < 1);
      expect(random.chance(0)).toBe(false);
    }
  });
});

describe('the event queue', () => {
  it('hands events out by time, and at one time as they came', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
        const queue = new EventQueue();
        const ran: [number, number][] = [];
        times.forEach((atMs, i) => queue.push(atMs, () => ran.push([atMs, i])));
        while (queue.length > 0) queue.pop().run();
        expect(queue.nextMs).toBe(Infinity);
        const expected = times.map((atMs, i) => [atMs, i]).sort(([a, i], [b, j]) => a - b || i - j);
        expect(ran).toEqual(expected);
      }),
    );
  });
});

describe('the network', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const setUp = (): {
    queue: EventQueue;
    lan: Lan;
    arrived: Uint8Array[];
    send: () => void;
    drain: () => void;
  } => {
    const queue = new EventQueue();
    const lan = new Lan(queue, new Random(1, 'lan'), 3);
    const arrived: Uint8Array[] = [];
    const drain = (): void => {
      while (queue.length > 0) queue.pop().run();
    };
    const arrival = (got: Uint8Array): Arrival => ({
      run: () => void arrived.push(got),
      damaged: (damage) => arrival(damage(got)),
    });
    return { queue, lan, arrived, drain, send: () => lan.carry(0, 0, 1, arrival(bytes)) };
  };

  it('brings a packet once, unchanged', () => {
    const { arrived, drain, send } = setUp();
    send();
    drain();
    expect(arrived).toEqual([bytes]);
  });

  it('cuts one direction only, until the last of two faults is over', () => {
    const { lan, arrived, drain, send } = setUp();
    const first = lan.block(0, 1);
    const second = lan.block(0, 1);
    first();
    send();
    drain();
    expect(arrived).toEqual([]);
    expect(lan.hears(1, 0)).toBe(true);
    second();
    send();
    drain();
    expect(arrived).toHaveLength(1);
  });

  it('loses, doubles and damages as the weather says, and stops when the storm is over', () => {
    const { lan, arrived, drain, send } = setUp();
    const end = lan.addStorm({ ...CLEAR_SKY, loss: 1 });
    send();
    end();
    lan.addStorm({ ...CLEAR_SKY, duplicate: 1, corrupt: 1 });
    send();
    drain();
    expect(arrived).toHaveLength(2);
    expect(arrived[0]).not.toEqual(bytes);
    expect(lan.counts).toMatchObject({ sent: 2, lost: 1, duplicated: 1, corrupted: 1 });
  });
});

describe('the cryptography that stands for the real one', () => {
  it('opens what it sealed, and nothing that was changed', () => {
    const crypto = new PretendCryptography(new Map([[0, 5]]), 0, 9);
    const nonce = new Uint8Array(12);
    const head = new Uint8Array(14);
    const plain = Uint8Array.of(10, 20, 30);
    const sealed = crypto.seal(nonce, head, plain);
    expect(crypto.open(0, nonce, head, sealed)).toEqual(plain);
    expect(crypto.open(1, nonce, head, sealed)).toBeUndefined();
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(crypto.open(0, nonce, head, changed)).toBeUndefined();
    }
    crypto.forget(0);
    expect(crypto.open(0, nonce, head, sealed)).toBeUndefined();
  });
});

describe('the bound of invariant 1', () => {
  it('grows with each timeout and with the members', () => {
    const base = convergenceBoundMs({}, 4, 100);
    for (const config of [
      { heartbeatIntervalMs: 60 },
      { communicationTimeoutMs: 300 },
      { broadcastTimeoutMs: 150 },
      { beaconIntervalMs: 1100 },
      { holdDownMs: 1 },
    ])
      expect(convergenceBoundMs(config, 4, 100)).toBeGreaterThan(base);
    expect(convergenceBoundMs({}, 5, 100)).toBeGreaterThan(base);
    expect(convergenceBoundMs({}, 4, 101)).toBeGreaterThan(base);
  });
});
