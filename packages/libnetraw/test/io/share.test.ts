import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf4, bucketOf6, BUCKETS, bucketWords, dispatcherFilter } from '../../src/index.js';
import { interpret } from './bpfInterpreter.js';

const MAC = Uint8Array.of(3, 0x52, 0x4d, 0, 0, 0x64);
const CLUSTER = 0x0a000064;

function frame(mac: Uint8Array, etherType: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(14 + payload.length);
  bytes.set(mac);
  new DataView(bytes.buffer).setUint16(12, etherType);
  bytes.set(payload, 14);
  return bytes;
}

function packet4(source: number, protocol = 6, flags = 2): Uint8Array {
  const packet = new Uint8Array(60);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  packet[9] = protocol;
  view.setUint32(12, source);
  view.setUint32(16, CLUSTER);
  packet[20 + 13] = flags;
  return packet;
}

function packet6(source: Uint8Array, next = 6): Uint8Array {
  const packet = new Uint8Array(80);
  packet[0] = 0x60;
  packet[6] = next;
  packet.set(source, 8);
  return packet;
}

const buckets = fc
  .tuple(fc.nat(BUCKETS - 1), fc.integer({ min: 1, max: 7 }))
  .map(
    ([first, step]) =>
      new Set(Array.from({ length: BUCKETS }, (_, i) => i).filter((i) => ((i ^ first) * step) % 5 < 2)),
  );
const address4 = fc.nat(0xffff_ffff);
const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const base = { macs: [MAC], arpTargets: [] };

describe('a filter with a share', () => {
  it('takes the packets of the clients whose bucket is in it, over IPv4 and IPv6', () => {
    fc.assert(
      fc.property(
        buckets,
        address4,
        address6,
        fc.integer({ min: 1, max: 32 }),
        (mine, four, six, prefix4) => {
          const filter = dispatcherFilter({
            ...base,
            share: { buckets: bucketWords(mine), prefix4, prefix6: 64 },
          });
          expect(interpret(filter, frame(MAC, 0x0800, packet4(four))) > 0).toBe(
            mine.has(bucketOf4(four, prefix4)),
          );
          expect(interpret(filter, frame(MAC, 0x86dd, packet6(six))) > 0).toBe(
            mine.has(bucketOf6(six, 0, 64)),
          );
        },
      ),
    );
  });

  it('gives every client to exactly one of those who share all buckets', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4), { minLength: BUCKETS, maxLength: BUCKETS }),
        address4,
        (owners, client) => {
          const takers = [0, 1, 2, 3, 4].filter((node) => {
            const mine = new Set(owners.flatMap((owner, bucket) => (owner === node ? [bucket] : [])));
            const filter = dispatcherFilter({ ...base, share: { buckets: bucketWords(mine) } });
            return interpret(filter, frame(MAC, 0x0800, packet4(client))) > 0;
          });
          expect(takers).toEqual([owners[bucketOf4(client)]]);
        },
      ),
    );
  });

  it('still divides handshakes from the rest', () => {
    const share = { buckets: bucketWords(new Set(Array.from({ length: BUCKETS }, (_, i) => i))) };
    const syn = frame(MAC, 0x0800, packet4(0x0a090002));
    const data = frame(MAC, 0x0800, packet4(0x0a090002, 6, 16));
    const taken = (part: 'handshakes' | 'rest', bytes: Uint8Array): boolean =>
      interpret(dispatcherFilter({ ...base, share, part }), bytes) > 0;
    expect([taken('handshakes', syn), taken('rest', syn)]).toEqual([true, false]);
    expect([taken('handshakes', data), taken('rest', data)]).toEqual([false, true]);
  });

  it('takes questions to the virtual MAC where questions are answered, whoever asks', () => {
    const share = { buckets: bucketWords(new Set()) };
    const probe = frame(MAC, 0x0806, new Uint8Array(28));
    const solicitation = packet6(new Uint8Array(16).fill(9), 58);
    solicitation[40] = 135;
    const answering = dispatcherFilter({ macs: [MAC], arpTargets: [CLUSTER], share });
    const silent = dispatcherFilter({ ...base, share });
    for (const bytes of [probe, frame(MAC, 0x86dd, solicitation)]) {
      expect(interpret(answering, bytes)).toBeGreaterThan(0);
      expect(interpret(silent, bytes)).toBe(0);
    }
    expect(interpret(answering, frame(MAC, 0x0800, packet4(0x0a090002)))).toBe(0);
  });
});
