/** What targets share that give frames in turn to a dispatcher: two with the same past, among unlike bytes, must do the same. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  type Dispatcher,
  type DispatchMode,
  DropReason,
  type ReportedConnection,
  type ServerInfo,
  Verdict,
  verdictNames,
} from '@ringmaster/dispatch';
import { Choices, must, type Target } from '../target.js';

const GUARD_BYTES = 32;
const MAX_FRAMES = 24;
const MAX_FRAME_BYTES = 255;
/** What the map of a world's dispatcher holds at most. */
export const MAX_CONNECTIONS = 8;
const MODES: readonly DispatchMode[] = ['dispatch', 'dispatch', 'stray', 'off'];
const VERDICTS = verdictNames.length;
const MACS_BYTES = 12;
/** Before the frame; it moves along when tags are taken off. */
const HEADROOM_BYTES = 10;
const SENT: readonly number[] = [Verdict.forward, Verdict.local, Verdict.outward, Verdict.resolve];

/** A dispatcher and what is around it. */
export interface FrameWorld {
  create(): Dispatcher;
  /** Some of the servers, active or not. */
  servers(choices: Choices): readonly ServerInfo[];
  /** What a server may report. */
  report(choices: Choices): ReportedConnection;
  /** Whether more than MAC addresses is rewritten. */
  readonly rewritesAddresses: boolean;
  /** Whether a file of fixtures is of this world. */
  hasFixtures(name: string): boolean;
}

/** A dispatcher and the memory that its frames lie in, all of one value but the frame. */
class Bench {
  readonly dispatcher: Dispatcher;
  private readonly world: FrameWorld;
  private readonly guard: number;
  private readonly memory = new Uint8Array(MAX_FRAME_BYTES + 2 * GUARD_BYTES);

  constructor(world: FrameWorld, guard: number) {
    this.world = world;
    this.dispatcher = world.create();
    this.guard = guard;
  }

  /** The verdict, and the frame as it is afterwards, without the `skip` bytes that are not sent. */
  process(frame: Uint8Array, nowMs: number): { verdict: number; skip: number; after: Uint8Array } {
    const { memory, guard } = this;
    memory.fill(guard);
    memory.set(frame, GUARD_BYTES);
    const verdict = this.dispatcher.process(memory, GUARD_BYTES, frame.length, nowMs);
    const end = GUARD_BYTES + frame.length;
    const skip = SENT.includes(verdict) ? this.dispatcher.skipBytes : 0;
    const untouched = GUARD_BYTES - (skip > 0 ? HEADROOM_BYTES : 0);
    for (let i = 0; i < GUARD_BYTES; i++) {
      must(i >= untouched || memory[i] === guard, 'touched a byte before the frame');
      must(memory[end + i] === guard, 'touched a byte behind the frame');
    }
    return { verdict, skip, after: memory.subarray(GUARD_BYTES + skip, end) };
  }

  /** One decision about what is around the frames. */
  obey(choices: Choices, nowMs: number): void {
    const { dispatcher } = this;
    switch (choices.below(7)) {
      case 0:
        return dispatcher.setMode(choices.of(MODES));
      case 1:
        return dispatcher.hold(choices.below(2) === 1);
      case 2:
        dispatcher.setServers(this.world.servers(choices), nowMs);
        return;
      case 3:
        dispatcher.enter(this.world.report(choices), nowMs);
        return;
      case 4:
        dispatcher.gc(nowMs, choices.byte());
        return;
      case 5:
        dispatcher.takeFragments((memory, offset, length) =>
          dispatcher.process(memory, offset, length, nowMs),
        );
        return;
      default:
        dispatcher.takeHeld((memory, offset, length) => dispatcher.process(memory, offset, length, nowMs));
    }
  }
}

function checkCounts(dispatcher: Dispatcher): void {
  const { counts } = dispatcher;
  // Each address family has a map of its own.
  must(counts.total <= 2 * MAX_CONNECTIONS, `${counts.total} connections`);
  let rows = 0;
  dispatcher.snapshot(4 * MAX_CONNECTIONS, () => rows++);
  must(rows === counts.total, `${rows} rows of ${counts.total} connections`);
}

function checkFrame(
  frame: Uint8Array,
  [zeros, ones]: readonly [Bench, Bench],
  nowMs: number,
  rewritesAddresses: boolean,
): void {
  const { verdict, skip, after } = zeros.process(frame, nowMs);
  const other = ones.process(frame, nowMs);
  must(verdict === other.verdict && skip === other.skip, 'bytes outside decide the verdict');
  must(Buffer.compare(after, other.after) === 0, 'bytes outside decide the rewriting');
  must(verdict >= 0 && verdict < VERDICTS, `verdict ${verdict}`);
  const isRewritten = rewritesAddresses && SENT.includes(verdict);
  const from = SENT.includes(verdict) ? MACS_BYTES : 0;
  must(
    isRewritten || Buffer.compare(after.subarray(from), frame.subarray(from + skip)) === 0,
    `${verdictNames[verdict]} changed the frame`,
  );
  if (verdict === Verdict.drop)
    must(zeros.dispatcher.dropReason !== DropReason.none, 'dropped for no reason');
}

/** Where the sources stand, seen from where this is built to; absent in a copy without tests. */
const FIXTURES = new URL('../../../../packages/dispatch/test/fixtures/', import.meta.url);

function fixtureFrames(world: FrameWorld): Uint8Array[] {
  if (!existsSync(FIXTURES)) return [];
  const files = readdirSync(FIXTURES).filter((name) => name.endsWith('.json') && world.hasFixtures(name));
  const fixtures = files.flatMap(
    (name) => JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8')) as { frame: string }[],
  );
  return fixtures.map(({ frame }) => Uint8Array.from(Buffer.from(frame, 'hex')));
}

/** In an input, `FRAME time length bytes` is a frame; anything else is an order. */
const FRAME = 0;
const asInput = (frame: Uint8Array): Uint8Array => Uint8Array.from([FRAME, 1, frame.length, ...frame]);

/** The target that plays with a world. */
export function frameTarget(world: FrameWorld): Target {
  return {
    maxBytes: 1024,
    seeds: () =>
      fixtureFrames(world)
        .filter((frame) => frame.length <= MAX_FRAME_BYTES)
        .map(asInput),
    run(input) {
      const choices = new Choices(input);
      const benches = [new Bench(world, 0x00), new Bench(world, 0xff)] as const;
      let nowMs = 1000;
      for (let n = 0; n < MAX_FRAMES && choices.remaining > 0; n++) {
        const kind = choices.below(4);
        nowMs += choices.byte() ** 2;
        const order = choices.block();
        if (kind !== 3) checkFrame(order, benches, nowMs, world.rewritesAddresses);
        else for (const bench of benches) bench.obey(new Choices(order), nowMs);
        checkCounts(benches[0].dispatcher);
      }
    },
  };
}
