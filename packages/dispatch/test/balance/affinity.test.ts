import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Affinity, AFFINITY_NETWORKS } from '../../src/balance/affinity.js';
import { MAX_SERVERS, type ServerInfo, ServerTable } from '../../src/servers.js';
import { address, server } from '../world.js';

const TIMEOUT_MS = 60_000;

function world(change: Partial<{ prefix4: number; prefix6: number }> = {}) {
  const servers = new ServerTable(new Int32Array(MAX_SERVERS));
  const set = (...list: ServerInfo[]): unknown => servers.set(list, 0);
  set(server(11), server(12), server(13));
  const affinity = new Affinity({ prefix4: 24, prefix6: 64, timeoutMs: TIMEOUT_MS, seed: 7, ...change });
  const slot = (n: number): number => servers.slotOf(server(n).address);
  return { affinity, servers, set, slot };
}

describe('affinity', () => {
  it('keeps a network with its server, and knows no other', () => {
    const { affinity, servers, slot } = world();
    affinity.note(affinity.network4(address('10.9.0.2')), slot(12), 0);
    expect(affinity.find(affinity.network4(address('10.9.0.77')), servers, 1)).toBe(slot(12));
    expect(affinity.find(affinity.network4(address('10.9.1.2')), servers, 1)).toBe(-1);
  });

  it('is over some time after the last new connection', () => {
    const { affinity, servers, slot } = world();
    const network = affinity.network4(address('10.9.0.2'));
    affinity.note(network, slot(12), 0);
    affinity.note(network, slot(12), 50_000);
    expect(affinity.find(network, servers, 50_000 + TIMEOUT_MS)).toBe(slot(12));
    expect(affinity.find(network, servers, 50_001 + TIMEOUT_MS)).toBe(-1);
  });

  it('works across the wrap of the clock', () => {
    const { affinity, servers, slot } = world();
    const network = affinity.network4(1);
    affinity.note(network, slot(12), 2 ** 31 - 5);
    expect(affinity.find(network, servers, (2 ** 31 + 5) | 0)).toBe(slot(12));
  });

  it('chooses anew when the server is away or drains, and keeps what was chosen', () => {
    const { affinity, servers, set, slot } = world();
    const network = affinity.network4(address('10.9.0.2'));
    affinity.note(network, slot(12), 0);
    for (const away of [server(12, { active: false }), server(12, { weight: 0 })]) {
      set(server(11), away, server(13));
      expect(affinity.find(network, servers, 1)).toBe(-1);
    }
    affinity.note(network, slot(13), 2);
    set(server(11), server(12), server(13));
    expect(affinity.find(network, servers, 3)).toBe(slot(13));
  });

  it('learns from reported connections what it does not know better', () => {
    const { affinity, servers, slot } = world();
    const network = affinity.network4(address('10.9.0.2'));
    affinity.learn(network, slot(11), 0);
    affinity.learn(network, slot(12), 1);
    expect(affinity.find(network, servers, 2)).toBe(slot(11));
    affinity.learn(network, slot(12), 1 + TIMEOUT_MS);
    expect(affinity.find(network, servers, 2 + TIMEOUT_MS)).toBe(slot(12));
  });

  it('takes exactly the bits of the prefix (IPv4)', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff_ffff),
        fc.nat(0xffff_ffff),
        fc.integer({ min: 0, max: 32 }),
        (a, b, prefix4) => {
          const { affinity } = world({ prefix4 });
          const same = BigInt(a) >> BigInt(32 - prefix4) === BigInt(b) >> BigInt(32 - prefix4);
          expect(affinity.network4(a | 0)).toBe(affinity.network4(a));
          expect(affinity.network4(a) === affinity.network4(b)).toBe(same);
        },
      ),
    );
  });

  it('takes exactly the bits of the prefix (IPv6)', () => {
    const bit = fc.integer({ min: 0, max: 127 });
    const words = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(words, bit, fc.integer({ min: 0, max: 128 }), (client, flipped, prefix6) => {
        const { affinity } = world({ prefix6 });
        const other = client.map((word, i) =>
          i === flipped >> 5 ? word ^ (1 << (31 - (flipped & 31))) : word,
        );
        const network = (of: number[]): number => affinity.network6(of[0], of[1], of[2], of[3]);
        expect(network(client) === network(other)).toBe(flipped >= prefix6);
      }),
    );
  });

  it('has a bounded memory: the networks that were silent for longest make room', () => {
    const { affinity, servers, slot } = world({ prefix4: 32 });
    const count = 2 * AFFINITY_NETWORKS;
    for (let i = 0; i < count; i++) affinity.note(affinity.network4(i), slot(11), i >> 4);
    const known = (from: number, to: number): number => {
      let found = 0;
      for (let i = from; i < to; i++)
        if (affinity.find(affinity.network4(i), servers, count >> 4) >= 0) found++;
      return found / (to - from);
    };
    expect(known(count - 1000, count)).toBe(1);
    expect(known(0, 1000)).toBeLessThan(0.05);
  });
});
