/** The dispatcher, given frames in turn: decided by their bytes alone, only MAC addresses rewritten, nothing outside touched. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  ConnectionState,
  Dispatcher,
  type DispatchMode,
  DropReason,
  type PortConfig,
  Verdict,
  verdictNames,
  virtualMacOf,
} from '@ringmaster/dispatch';
import type { IpAddress } from 'libnetraw/wire';
import { Choices, must, type Target } from '../target.js';

const GUARD_BYTES = 32;
const MAX_FRAMES = 24;
const MAX_FRAME_BYTES = 255;
const MAX_CONNECTIONS = 8;
const [CLUSTER, SECOND] = [0x0a000064, 0x0a0000c8];
const CLUSTER6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64);
const MODES: readonly DispatchMode[] = ['dispatch', 'dispatch', 'stray', 'off'];
const STATES = Object.values(ConnectionState);
const VERDICTS = verdictNames.length;
const MACS_BYTES = 12;
/** Before the frame; it moves along when tags are taken off. */
const HEADROOM_BYTES = 10;

const server = (n: number, active: boolean, weight: number) => ({
  ...{ address: 0x0a000000 + n, mac: Uint8Array.of(2, 0, 0, 0, 0, n), weight, active, local: n === 11 },
});

const PORTS: readonly PortConfig[] = [
  { port: 80, protocol: 'tcp' },
  { port: 53, protocol: 'udp' },
  { port: 443, protocol: 'all' },
  { port: 8080, protocol: 'tcp', scheduler: 'source-hash', stateless: true },
];

function createDispatcher(): Dispatcher {
  const dispatcher = new Dispatcher({
    clusters: [
      { address: CLUSTER, virtualMac: virtualMacOf(CLUSTER), ports: PORTS },
      { address: CLUSTER6, virtualMac: virtualMacOf(CLUSTER6), ports: PORTS },
      { address: SECOND, virtualMac: virtualMacOf(SECOND), ports: [{ port: 80, protocol: 'tcp' }] },
    ],
    ownMac: Uint8Array.of(2, 0, 0, 0, 0, 11),
    maxConnections: MAX_CONNECTIONS,
    seed: 1,
    holdBytes: 512,
  });
  dispatcher.setMode('dispatch');
  dispatcher.setServers([server(11, true, 1), server(12, true, 1)], 0);
  return dispatcher;
}

const isSent = (verdict: number): boolean => verdict === Verdict.forward || verdict === Verdict.local;

/** Cluster and client of a reported connection, mostly of one family. */
function ends(choices: Choices): { clusterAddress: IpAddress; clientAddress: IpAddress } {
  const client = choices.uint(4);
  const client6 = Uint8Array.of(
    0x20,
    1,
    0x0d,
    0xb8,
    0,
    9,
    0,
    0,
    0,
    0,
    0,
    0,
    client >>> 24,
    client >>> 16,
    client >>> 8,
    client,
  );
  const families = choices.below(8);
  return {
    clusterAddress: families < 4 ? CLUSTER : CLUSTER6,
    clientAddress: families % 7 < 4 ? client : client6,
  };
}

/** A dispatcher and the memory that its frames lie in, all of one value but the frame. */
class Bench {
  readonly dispatcher = createDispatcher();
  private readonly guard: number;
  private readonly memory = new Uint8Array(MAX_FRAME_BYTES + 2 * GUARD_BYTES);

  constructor(guard: number) {
    this.guard = guard;
  }

  /** The verdict, and the frame as it is afterwards, without the `skip` bytes that are not sent. */
  process(frame: Uint8Array, nowMs: number): { verdict: number; skip: number; after: Uint8Array } {
    const { memory, guard } = this;
    memory.fill(guard);
    memory.set(frame, GUARD_BYTES);
    const verdict = this.dispatcher.process(memory, GUARD_BYTES, frame.length, nowMs);
    const end = GUARD_BYTES + frame.length;
    const skip = isSent(verdict) ? this.dispatcher.skipBytes : 0;
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
        return this.changeServers(choices, nowMs);
      case 3:
        dispatcher.enter(
          {
            serverAddress: 0x0a00000b + choices.below(3),
            ...ends(choices),
            clientPort: choices.uint(2),
            port: 80,
            protocol: 6,
            state: choices.of(STATES),
          },
          nowMs,
        );
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

  private changeServers(choices: Choices, nowMs: number): void {
    const list = [11, 12, 13].filter(() => choices.below(4) !== 0);
    this.dispatcher.setServers(
      list.map((n) => server(n, choices.below(4) !== 0, choices.below(2))),
      nowMs,
    );
  }
}

function checkCounts(dispatcher: Dispatcher): void {
  const { counts } = dispatcher;
  must(counts.total <= MAX_CONNECTIONS, `${counts.total} connections`);
  let rows = 0;
  dispatcher.snapshot(2 * MAX_CONNECTIONS, () => rows++);
  must(rows === counts.total, `${rows} rows of ${counts.total} connections`);
}

function checkFrame(frame: Uint8Array, [zeros, ones]: readonly [Bench, Bench], nowMs: number): void {
  const { verdict, skip, after } = zeros.process(frame, nowMs);
  const other = ones.process(frame, nowMs);
  must(verdict === other.verdict && skip === other.skip, 'bytes outside decide the verdict');
  must(Buffer.compare(after, other.after) === 0, 'bytes outside decide the rewriting');
  must(verdict >= 0 && verdict < VERDICTS, `verdict ${verdict}`);
  const from = isSent(verdict) ? MACS_BYTES : 0;
  must(
    Buffer.compare(after.subarray(from), frame.subarray(from + skip)) === 0,
    `${verdictNames[verdict]} changed the frame`,
  );
  if (verdict === Verdict.drop)
    must(zeros.dispatcher.dropReason !== DropReason.none, 'dropped for no reason');
}

/** Where the sources stand, seen from where this is built to; absent in a copy without tests. */
const FIXTURES = new URL('../../../../packages/dispatch/test/fixtures/', import.meta.url);

function fixtureFrames(): Uint8Array[] {
  if (!existsSync(FIXTURES)) return [];
  const files = readdirSync(FIXTURES).filter((name) => name.endsWith('.json'));
  const fixtures = files.flatMap(
    (name) => JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8')) as { frame: string }[],
  );
  return fixtures.map(({ frame }) => Uint8Array.from(Buffer.from(frame, 'hex')));
}

/** In an input, `FRAME time length bytes` is a frame; anything else is an order. */
const FRAME = 0;
const asInput = (frame: Uint8Array): Uint8Array => Uint8Array.from([FRAME, 1, frame.length, ...frame]);

export const target: Target = {
  maxBytes: 1024,
  seeds: () =>
    fixtureFrames()
      .filter((frame) => frame.length <= MAX_FRAME_BYTES)
      .map(asInput),
  run(input) {
    const choices = new Choices(input);
    const benches = [new Bench(0x00), new Bench(0xff)] as const;
    let nowMs = 1000;
    for (let n = 0; n < MAX_FRAMES && choices.remaining > 0; n++) {
      const kind = choices.below(4);
      nowMs += choices.byte() ** 2;
      const order = choices.block();
      if (kind !== 3) checkFrame(order, benches, nowMs);
      else for (const bench of benches) bench.obey(new Choices(order), nowMs);
      checkCounts(benches[0].dispatcher);
    }
  },
};
