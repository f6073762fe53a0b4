import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DispatchMode, DropReason, Verdict } from '../src/index.js';
import { createDispatcher, createFrame, HEADROOM } from './world.js';

const directory = new URL('fixtures/', import.meta.url);
const corpus = readdirSync(directory).flatMap((file) =>
  (JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as { frame: string }[]).map((fixture) =>
    Uint8Array.from(Buffer.from(fixture.frame, 'hex')),
  ),
);

const mutation = fc.record({
  at: fc.nat(80),
  byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 0x45, 0x4f, 0x7f, 0x80, 0xff)),
});
const frames = fc
  .record({
    base: fc.constantFrom(...corpus),
    mutations: fc.array(mutation, { maxLength: 6 }),
    cut: fc.option(fc.nat(80)),
  })
  .map(({ base, mutations, cut }) => {
    const frame = base.slice(0, cut ?? base.length);
    for (const { at, byte } of mutations) if (at < frame.length) frame[at] = byte;
    return frame;
  });
const modes = fc.constantFrom<DispatchMode>('off', 'dispatch', 'dispatch', 'dispatch', 'stray');

const GUARD = 64;

/** The frame between two guards of one value each, processed. */
function processGuarded(dispatcher: ReturnType<typeof createDispatcher>, frame: Uint8Array, guard: number) {
  const memory = new Uint8Array(frame.length + 2 * GUARD).fill(guard);
  memory.set(frame, GUARD);
  const verdict = dispatcher.process(memory, GUARD, frame.length, 0);
  const outside = [...memory.subarray(0, GUARD), ...memory.subarray(GUARD + frame.length)];
  return {
    verdict,
    reason: dispatcher.dropReason,
    inside: memory.slice(GUARD, GUARD + frame.length),
    outside,
  };
}

describe('mutated frames', () => {
  it('never throw, never touch or heed a byte outside, and only MAC addresses change', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(frames, modes), { maxLength: 40 }), (sequence) => {
        const dispatchers = [createDispatcher(), createDispatcher()];
        for (const [frame, mode] of sequence) {
          const [zeros, ones] = dispatchers.map((dispatcher, n) => {
            dispatcher.setMode(mode);
            return processGuarded(dispatcher, frame, n === 0 ? 0 : 0xff);
          });
          expect(zeros.outside.every((byte) => byte === 0)).toBe(true);
          expect(ones.outside.every((byte) => byte === 0xff)).toBe(true);
          expect(zeros.verdict).toBe(ones.verdict);
          expect(zeros.inside).toEqual(ones.inside);
          expect(zeros.inside.subarray(12)).toEqual(frame.subarray(12));
          const rewritten = zeros.verdict === Verdict.forward || zeros.verdict === Verdict.local;
          if (!rewritten) expect(zeros.inside).toEqual(frame);
          if (zeros.verdict === Verdict.drop) expect(zeros.reason).not.toBe(DropReason.none);
        }
        const total = dispatchers[0].counters.subarray(0, 6).reduce((sum, count) => sum + count, 0);
        expect(total).toBe(sequence.length);
      }),
      { numRuns: 500 },
    );
  });

  it('random bytes behind a good Ethernet header never throw', () => {
    const dispatcher = createDispatcher();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, arp) => {
        const { memory } = createFrame({ payloadBytes: 100 });
        memory.set(bytes, HEADROOM + 14);
        if (arp) memory.set([8, 6], HEADROOM + 12);
        const verdict = dispatcher.process(memory, HEADROOM, 14 + bytes.length, 0);
        expect(verdict).toBeLessThanOrEqual(Verdict.drop);
      }),
      { numRuns: 2000 },
    );
  });

  it('a million SYNs from everywhere leave the map within its bounds', () => {
    const dispatcher = createDispatcher({ maxConnections: 5000 });
    const { memory, length } = createFrame();
    const pristine = memory.slice();
    for (let n = 0; n < 1_000_000; n++) {
      memory.set(pristine);
      // Client address and port from the counter: 10.x.x.x, port 1 to 255.
      memory[HEADROOM + 27] = n >>> 16;
      memory[HEADROOM + 28] = n >>> 8;
      memory[HEADROOM + 29] = n;
      memory[HEADROOM + 35] = 1 + (n % 255);
      dispatcher.process(memory, HEADROOM, length, n >> 10);
    }
    expect(dispatcher.counts).toMatchObject({ total: 5000, halfOpen: 5000 });
  });
});
