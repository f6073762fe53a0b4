import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionState, type Dispatcher, DropReason, Verdict } from '../../src/index.js';
import { createL43, ip, server } from './l43World.js';

const directory = new URL('../fixtures/', import.meta.url);
const corpus = readdirSync(directory).flatMap((file) =>
  (JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as { frame: string }[]).map((fixture) =>
    Uint8Array.from(Buffer.from(fixture.frame, 'hex')),
  ),
);

const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 0x45, 0x60, 0x7f, 0x80, 0xff));
const frames = fc
  .record({
    base: fc.constantFrom(...corpus),
    mutations: fc.array(fc.record({ at: fc.nat(120), byte }), { maxLength: 6 }),
    cut: fc.option(fc.nat(120)),
    offload: fc.oneof(fc.constant(new Uint8Array(10)), fc.uint8Array({ minLength: 10, maxLength: 10 })),
  })
  .map(({ base, mutations, cut, offload }) => {
    const frame = base.slice(0, cut ?? base.length);
    for (const { at, byte: value } of mutations) if (at < frame.length) frame[at] = value;
    return { frame, offload };
  });
const orders = fc.constantFrom('dispatch', 'dispatch', 'stray', 'hold', 'release');
const SENT: readonly number[] = [Verdict.forward, Verdict.local, Verdict.outward, Verdict.resolve];
const GUARD = 32;

function prepare(): Dispatcher {
  const dispatcher = createL43({ holdBytes: 2000 });
  for (const n of [11, 12]) {
    const { address, address6 } = server(n);
    const six = { clusterAddress: address6 as Uint8Array, clientAddress: ip('2001:db8::2') };
    const four = { clusterAddress: address, clientAddress: ip('10.9.0.2') };
    for (const family of [four, six]) {
      const report = { serverAddress: address, clientPort: 40_000 + (n - 12), port: 8080, protocol: 6 };
      dispatcher.enter({ ...report, ...family, state: ConnectionState.established }, 0);
    }
  }
  return dispatcher;
}

/** Processes a frame among bytes of one value, its offload header before it; returns what stands there afterwards. */
function process(dispatcher: Dispatcher, frame: Uint8Array, offload: Uint8Array, guard: number) {
  const memory = new Uint8Array(frame.length + 2 * GUARD).fill(guard);
  memory.set(offload, GUARD - 10);
  memory.set(frame, GUARD);
  const verdict = dispatcher.process(memory, GUARD, frame.length, 20_000);
  const skip = SENT.includes(verdict) ? dispatcher.skipBytes : 0;
  // The headroom of a frame that loses tags moves along.
  const kept = skip > 0 ? [] : [...memory.subarray(GUARD - 10, GUARD)];
  const outside = [...memory.subarray(0, GUARD - 10), ...memory.subarray(GUARD + frame.length)];
  const answer = verdict === Verdict.answer ? dispatcher.reply.slice(0, dispatcher.replyLength) : undefined;
  return { verdict, skip, kept, outside, inside: memory.slice(GUARD + skip, GUARD + frame.length), answer };
}

describe('mutated frames in L4/3', () => {
  it('never throw, and are decided and rewritten by their own bytes and their offload header alone', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(frames, orders), { maxLength: 30 }), (sequence) => {
        const benches = [prepare(), prepare()];
        for (const [{ frame, offload }, order] of sequence) {
          const [zeros, ones] = benches.map((dispatcher, n) => {
            if (order === 'hold' || order === 'release') dispatcher.hold(order === 'hold');
            else dispatcher.setMode(order);
            return process(dispatcher, frame, offload, n === 0 ? 0 : 0xff);
          });
          expect(zeros.outside.every((value) => value === 0)).toBe(true);
          expect(ones.outside.every((value) => value === 0xff)).toBe(true);
          expect({ ...zeros, outside: 0 }).toEqual({ ...ones, outside: 0 });
          if (zeros.skip === 0) expect(zeros.kept).toEqual([...offload]);
          if (!SENT.includes(zeros.verdict)) expect(zeros.inside).toEqual(frame);
          if (zeros.verdict === Verdict.drop) expect(benches[0].dropReason).not.toBe(DropReason.none);
        }
      }),
      { numRuns: 300 },
    );
  });
});
