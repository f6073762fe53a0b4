import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Counter,
  type Dispatcher,
  type DispatchMode,
  DropReason,
  dropReasonNames,
  Verdict,
  verdictNames,
} from '../src/index.js';
import { randomOf } from './random.js';
import { createDispatcher, createFrame, HEADROOM } from './world.js';

const directory = new URL('fixtures/', import.meta.url);
/** Those of L4/3 are for another world: see `nat/l43Fuzz.test.ts`. */
const files = readdirSync(directory).filter((name) => !name.startsWith('l43-'));
const corpus = files.flatMap((file) =>
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

const GUARD = 32;
const MAX_BYTES = Math.max(...corpus.map((frame) => frame.length));
const SENT: readonly number[] = [Verdict.forward, Verdict.local, Verdict.outward];

/** A dispatcher, and memory for one frame among bytes of one value. */
class Bench {
  readonly dispatcher = createDispatcher();
  readonly memory: Uint8Array;
  private readonly guard: number;

  constructor(guard: number) {
    this.guard = guard;
    this.memory = new Uint8Array(MAX_BYTES + 2 * GUARD).fill(guard);
  }

  verdict: number = Verdict.ignore;
  skip = 0;

  /** Processes a frame of `length` bytes; returns what is wrong about how it was done. */
  process(frame: Uint8Array, length: number, nowMs: number): string | undefined {
    const { memory, dispatcher, guard } = this;
    memory.fill(guard);
    for (let i = 0; i < length; i++) memory[GUARD + i] = frame[i];
    this.verdict = dispatcher.process(memory, GUARD, length, nowMs);
    const sent = SENT.includes(this.verdict);
    this.skip = sent ? dispatcher.skipBytes : 0;
    if (verdictNames[this.verdict] === undefined) return `verdict ${this.verdict}`;
    if (this.verdict === Verdict.drop && dropReasonNames[dispatcher.dropReason] === undefined)
      return 'no reason';
    if (this.verdict === Verdict.drop && dispatcher.dropReason === DropReason.none)
      return 'dropped for no reason';
    // The headroom of a frame that loses tags moves along.
    const headroom = this.skip > 0 ? HEADROOM : 0;
    for (let i = 0; i < GUARD - headroom; i++) if (memory[i] !== guard) return `touched byte ${i - GUARD}`;
    for (let i = GUARD + length; i < memory.length; i++)
      if (memory[i] !== guard) return `touched byte ${i - GUARD}`;
    const from = sent ? 12 + this.skip : 0;
    for (let i = from; i < length; i++) if (memory[GUARD + i] !== frame[i]) return `changed byte ${i}`;
    return undefined;
  }
}

/** Looks at held frames and fragments again, and holds from now on or not. */
function release(dispatcher: Dispatcher, holds: boolean, nowMs: number): void {
  dispatcher.hold(holds);
  const again = (memory: Uint8Array, offset: number, length: number): void => {
    dispatcher.process(memory, offset, length, nowMs);
  };
  dispatcher.takeHeld(again);
  dispatcher.takeFragments(again);
  dispatcher.gc(nowMs, 100);
}

/** What is wrong about how two dispatchers with the same past, among unlike bytes, process a frame. */
function compare(
  one: Bench,
  other: Bench,
  frame: Uint8Array,
  length: number,
  nowMs: number,
): string | undefined {
  const wrong = one.process(frame, length, nowMs) ?? other.process(frame, length, nowMs);
  if (wrong !== undefined) return wrong;
  if (one.verdict !== other.verdict || one.skip !== other.skip) return 'bytes outside decide';
  for (let i = one.skip; i < length; i++) {
    if (one.memory[GUARD + i] !== other.memory[GUARD + i]) return 'bytes outside decide the rewriting';
  }
  return undefined;
}

describe('mutated frames', () => {
  it('never throw, never touch or heed a byte outside, and only MAC addresses change', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(frames, modes), { maxLength: 40 }), (sequence) => {
        const benches = [new Bench(0), new Bench(0xff)] as const;
        for (const [frame, mode] of sequence) {
          for (const { dispatcher } of benches) dispatcher.setMode(mode);
          expect(compare(...benches, frame, frame.length, 0)).toBeUndefined();
        }
        const { counters } = benches[0].dispatcher;
        const total = verdictNames.reduce((sum, _, verdict) => sum + counters[verdict], 0);
        expect(total).toBe(sequence.length);
      }),
      { numRuns: 100 },
    );
  });

  it('a million of them, in a row', () => {
    const random = randomOf(20_231);
    const benches = [new Bench(0), new Bench(0xff)] as const;
    const frame = new Uint8Array(MAX_BYTES);

    let wrong: string | undefined;
    let count = 0;
    for (; count < 1_000_000 && wrong === undefined; count++) {
      const base = corpus[random(corpus.length)];
      frame.set(base);
      const length = random(8) === 0 ? random(base.length + 1) : base.length;
      for (let left = random(4); left > 0; left--) frame[random(length + 1)] = random(256);
      if (random(1000) === 0) {
        const holds = random(2) === 1;
        for (const { dispatcher } of benches) release(dispatcher, holds, count >> 4);
      }
      wrong = compare(...benches, frame, length, count >> 4);
    }
    expect({ wrong, count }).toEqual({ wrong: undefined, count: 1_000_000 });
    const { counters } = benches[0].dispatcher;
    const judged = verdictNames.reduce((sum, _, verdict) => sum + counters[verdict], 0);
    expect(judged - counters[Counter.released]).toBe(1_000_000);
    // Not all of one kind: mutation leaves enough whole.
    for (const verdict of Object.values(Verdict)) {
      if (verdict >= Verdict.outward) continue;
      expect(counters[verdict], verdictNames[verdict]).toBeGreaterThan(1000);
    }
  }, 600_000);

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
