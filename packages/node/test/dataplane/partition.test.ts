import { fanoutHash4, fanoutHash6 } from 'libnetraw';
import { virtualMacOf } from '@ringmaster/dispatch';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeReports, mergeStats } from '../../src/dataplane/mergeStats.js';
import { clientPrefixes, obstacleToClusters, partition } from '../../src/dataplane/partition.js';
import { SharedState } from '../../src/dataplane/sharedState.js';
import type { ConnectionList } from '../../src/dataplane/types.js';

const WHOLE = { prefix4: 32, prefix6: 128 };

/** Columns with rows behind `count`, as the kernel's list has them. */
function list4(clients: readonly number[]): ConnectionList {
  const rows = [...clients, 99];
  return {
    family: 4,
    count: clients.length,
    localAddress: Uint32Array.from(rows, (_, i) => 0x0a000064 + i),
    localPort: Uint16Array.from(rows, (_, i) => 80 + i),
    clientAddress: Uint32Array.from(rows),
    clientPort: Uint16Array.from(rows, (_, i) => 1024 + i),
    state: Uint8Array.from(rows, (_, i) => i % 12),
  };
}

function list6(clients: readonly Uint8Array[]): ConnectionList {
  const count = clients.length;
  return {
    family: 6,
    count,
    localAddress: Uint8Array.from({ length: count * 16 }, (_, i) => i),
    localPort: Uint16Array.from(clients, () => 80),
    clientAddress: Uint8Array.from(clients.flatMap((client) => [...client])),
    clientPort: Uint16Array.from(clients, (_, i) => 1024 + i),
    state: Uint8Array.from(clients, () => 1),
  };
}

describe('partition', () => {
  it('gives every IPv4 row, whole, to the worker that the hash of its client names', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(0xffff_ffff), { maxLength: 50 }),
        fc.integer({ min: 1, max: 5 }),
        (clients, workers) => {
          const list = list4(clients);
          const parts = partition(list, workers, WHOLE);
          expect(parts).toHaveLength(workers);
          const rows = clients.map((client, i) => [client, 0x0a000064 + i, 80 + i, 1024 + i, i % 12]);
          for (const [worker, part] of parts.entries()) {
            const own = Array.from(part.clientPort, (port, i) => [
              part.clientAddress[i],
              part.localAddress[i],
              part.localPort[i],
              port,
              part.state[i],
            ]);
            expect(own).toEqual(rows.filter(([client]) => fanoutHash4(client) % workers === worker));
            expect(part.count).toBe(own.length);
          }
        },
      ),
    );
  });

  it('does so with IPv6', () => {
    const address = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(fc.array(address, { maxLength: 30 }), (clients) => {
        const list = list6(clients);
        for (const [worker, part] of partition(list, 3, WHOLE).entries()) {
          const own = clients.flatMap((client, i) => (fanoutHash6(client, 0) % 3 === worker ? [i] : []));
          expect(Array.from(part.clientPort)).toEqual(own.map((i) => 1024 + i));
          expect(Array.from(part.clientAddress)).toEqual(own.flatMap((i) => [...clients[i]]));
          expect(Array.from(part.localAddress)).toEqual(
            own.flatMap((i) => [...list.localAddress.slice(i * 16, i * 16 + 16)] as number[]),
          );
        }
      }),
    );
  });

  it('keeps clients of one network together where a service wants that', () => {
    const affinity = { prefix4: 24, prefix6: 56, timeoutMs: 1000 };
    const cluster = (address: number, ...ports: object[]) => ({
      address,
      virtualMac: virtualMacOf(address),
      ports: ports.map((port, i) => ({ port: 80 + i, protocol: 'tcp' as const, ...port })),
    });
    expect(clientPrefixes([cluster(1, {}), cluster(2)])).toEqual(WHOLE);
    const prefixes = clientPrefixes([cluster(1, {}), cluster(2, {}, { affinity })]);
    expect(prefixes).toEqual({ prefix4: 24, prefix6: 56 });
    const clients = Array.from({ length: 100 }, (_, i) => 0x0a090800 + i);
    const sizes = partition(list4(clients), 4, prefixes).map(({ count }) => count);
    expect(sizes.sort()).toEqual([0, 0, 0, 100].sort());
  });
});

describe('what several workers say', () => {
  it('is added up', () => {
    const parts = [1, 2].map((factor) => {
      const state = new SharedState();
      state.counters[1] = 10 * factor;
      const figures = {
        frames: factor,
        batches: 1,
        ringDropped: 0,
        handshakesDropped: 0,
        truncated: 0,
        heldFrames: 5,
        unrouted: 0,
      };
      state.publish(figures, { total: 3 * factor, halfOpen: 0, established: 3 * factor, closing: 0 });
      return state.read();
    });
    const sum = mergeStats(parts);
    expect(sum.verdicts.forward).toBe(30);
    expect(sum).toMatchObject({
      frames: 3,
      batches: 2,
      heldFrames: 10,
      connections: { total: 9, established: 9 },
    });
    expect(Object.keys(sum)).toEqual([...Object.keys(parts[0]), 'workers']);
    expect(sum.workers).toEqual([
      { frames: 1, connections: 3 },
      { frames: 2, connections: 6 },
    ]);
    const report = { entered: 1, known: 2, moved: 3, refused: 4 };
    expect(mergeReports([report, report])).toEqual({ entered: 2, known: 4, moved: 6, refused: 8 });
    expect(mergeReports([])).toEqual({ entered: 0, known: 0, moved: 0, refused: 0 });
  });
});

describe('other clusters while it runs', () => {
  const cluster = (address: number | Uint8Array, prefix4?: number) => ({
    address,
    virtualMac: virtualMacOf(address),
    ports: [
      {
        port: 80,
        protocol: 'tcp' as const,
        ...(prefix4 !== undefined && { affinity: { prefix4, prefix6: 64, timeoutMs: 1000 } }),
      },
    ],
  });
  const four = cluster(0x0a000064);
  const six = cluster(new Uint8Array(16).fill(3));

  it('cannot be of an IP version that no connection memory was reserved for', () => {
    expect(obstacleToClusters([four], [four, six], 1)).toContain('IPv6');
    expect(obstacleToClusters([six], [four], 1)).toContain('IPv4');
    expect(obstacleToClusters([four, six], [four], 1)).toBeUndefined();
  });

  it('cannot share packets otherwise among several workers', () => {
    expect(obstacleToClusters([four], [cluster(0x0a000064, 24)], 1)).toBeUndefined();
    expect(obstacleToClusters([four], [cluster(0x0a000064, 24)], 2)).toContain('several workers');
    expect(obstacleToClusters([four], [four, cluster(0x0a0000c8)], 2)).toBeUndefined();
    const gateway = { address: 0x0a0000fe, virtualMac: virtualMacOf(0x0a0000fe) };
    const translated = { ...cluster(0x0a0000c8), mode: 'l4/3' as const, gateway };
    expect(obstacleToClusters([four], [four, translated], 2)).toContain('several workers');
  });
});
