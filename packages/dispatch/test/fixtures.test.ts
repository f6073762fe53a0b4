import { readdirSync, readFileSync } from 'node:fs';
import { formatIpv4, type IpAddress, parseIp } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import {
  ConnectionState,
  Counter,
  describeCounters,
  type Dispatcher,
  type DispatchMode,
  dropReasonNames,
  GONE_AFTER_MS,
  type ServerInfo,
  Verdict,
  verdictNames,
} from '../src/index.js';
import { address, CLUSTER, CLUSTER6, createDispatcher, HEADROOM, SERVERS } from './world.js';

/** Whole packets as data, made by hand and not by the codecs under test: what came, in which state, what became of it. */
interface Fixture {
  description: string;
  /** Default `dispatch`. */
  mode?: DispatchMode;
  /** Whether unknown frames are being held. */
  hold?: boolean;
  /** Servers that are not simply active: `gone` is inactive for long. */
  servers?: Record<string, 'inactive' | 'gone' | 'drained' | 'absent'>;
  /** Connections in the map beforehand. */
  known?: {
    client: string;
    clientPort: number;
    port: number;
    protocol: 'tcp' | 'udp';
    server: string;
    state: string;
  }[];
  /** Frames that came before it, each with the verdict that it got. */
  earlier?: { frame: string; verdict: string }[];
  /** How long before; default 0. */
  earlierMs?: number;
  /** The frame, in hex, without vnet header. */
  frame: string;
  verdict: string;
  dropReason?: string;
  /** Bytes of tags that were taken off its front; default 0. */
  skip?: number;
  /** How many frames that had been held are forwarded or delivered when they are looked at again. */
  released?: number;
  /** The frame to send, or the answer; without it the frame must be untouched. */
  out?: string;
  /** `server state` of each connection in the map afterwards, sorted. */
  after?: string[];
  /** Events counted by this frame; default: not looked at. */
  events?: Record<string, number>;
}

const START_MS = 100_000;
const MARGIN = 8;
const FILL = 0xa5;
const states: Record<string, ConnectionState> = {
  'half-open': ConnectionState.halfOpen,
  established: ConnectionState.established,
  closing: ConnectionState.closing,
};

function prepare(fixture: Fixture): Dispatcher {
  const dispatcher = createDispatcher({ holdBytes: 256 });
  dispatcher.setServers(SERVERS, 0);
  for (const known of fixture.known ?? []) {
    const result = dispatcher.enter(
      {
        serverAddress: address(known.server),
        clusterAddress: typeof clientOf(known.client) === 'number' ? CLUSTER : CLUSTER6,
        clientAddress: clientOf(known.client),
        clientPort: known.clientPort,
        port: known.port,
        protocol: known.protocol === 'udp' ? 17 : 6,
        state: states[known.state],
      },
      0,
    );
    expect(result).toBe('entered');
  }
  const changes = Object.values(fixture.servers ?? {});
  const changedMs = changes.includes('gone') ? START_MS - GONE_AFTER_MS - 1 : START_MS;
  dispatcher.setServers(serversOf(fixture), changedMs);
  dispatcher.setMode(fixture.mode ?? 'dispatch');
  dispatcher.hold(fixture.hold ?? false);
  return dispatcher;
}

function clientOf(text: string): IpAddress {
  const client = parseIp(text);
  if (client === undefined) throw new Error(`not an address: ${text}`);
  return client;
}

/** The frame with headroom before it and a margin behind, all of one byte. */
function inMemory(frame: Uint8Array): Uint8Array {
  const memory = new Uint8Array(HEADROOM + frame.length + MARGIN).fill(FILL);
  memory.set(frame, HEADROOM);
  return memory;
}

function processEarlier(dispatcher: Dispatcher, fixture: Fixture): void {
  for (const { frame, verdict } of fixture.earlier ?? []) {
    const bytes = Buffer.from(frame, 'hex');
    const nowMs = START_MS - (fixture.earlierMs ?? 0);
    const given = dispatcher.process(inMemory(bytes), HEADROOM, bytes.length, nowMs);
    expect(verdictNames[given], 'of an earlier frame').toBe(verdict);
  }
}

/** How many of the fragments that waited go to a server now. */
function release(dispatcher: Dispatcher): number {
  let sent = 0;
  if (!dispatcher.hasReadyFragments) return sent;
  dispatcher.takeFragments((memory, offset, length) => {
    const verdict = dispatcher.process(memory, offset, length, START_MS);
    if (verdict === Verdict.forward || verdict === Verdict.local) sent++;
  });
  return sent;
}

function serversOf(fixture: Fixture): ServerInfo[] {
  return SERVERS.flatMap((server) => {
    const change = fixture.servers?.[formatIpv4(server.address)];
    if (change === 'absent') return [];
    if (change === 'drained') return [{ ...server, weight: 0 }];
    return [{ ...server, active: change === undefined }];
  });
}

function connections(dispatcher: Dispatcher): string[] {
  const rows: string[] = [];
  dispatcher.snapshot(100, (row) => rows.push(`${formatIpv4(row.serverAddress)} ${row.state}`));
  return rows.sort();
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const directory = new URL('fixtures/', import.meta.url);

/** Those of L4/3 are of another world: see `nat/l43Fixtures.test.ts`. */
const files = readdirSync(directory).filter((name) => !name.startsWith('l43-'));

describe.each(files.sort())('%s', (file) => {
  const fixtures = JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as Fixture[];

  it.each(fixtures.map((fixture) => [fixture.description, fixture] as const))('%s', (_, fixture) => {
    const dispatcher = prepare(fixture);
    const frame = Buffer.from(fixture.frame, 'hex');
    const memory = inMemory(frame);
    processEarlier(dispatcher, fixture);
    const before = describeCounters(dispatcher.counters).events;

    const verdict = dispatcher.process(memory, HEADROOM, frame.length, START_MS);

    expect(verdictNames[verdict]).toBe(fixture.verdict);
    if (verdict === Verdict.drop) expect(dropReasonNames[dispatcher.dropReason]).toBe(fixture.dropReason);
    const rewritten = verdict === Verdict.forward || verdict === Verdict.local;
    const skip = rewritten ? dispatcher.skipBytes : 0;
    expect(skip).toBe(fixture.skip ?? 0);
    const sent = memory.subarray(HEADROOM + skip, HEADROOM + frame.length);
    if (verdict === Verdict.answer) {
      expect(hex(dispatcher.reply.subarray(0, dispatcher.replyLength))).toBe(fixture.out);
      expect(hex(sent)).toBe(fixture.frame);
    } else {
      expect(hex(sent)).toBe(fixture.out ?? fixture.frame);
    }
    if (skip === 0) expect(memory.subarray(0, HEADROOM).every((byte) => byte === FILL)).toBe(true);
    expect(memory.subarray(HEADROOM + frame.length).every((byte) => byte === FILL)).toBe(true);
    expect(release(dispatcher)).toBe(fixture.released ?? 0);
    if (fixture.after !== undefined) expect(connections(dispatcher)).toEqual(fixture.after);
    if (fixture.events !== undefined) {
      const after = describeCounters(dispatcher.counters).events;
      for (const name of Object.keys(Counter)) {
        expect(after[name] - before[name], name).toBe(fixture.events[name] ?? 0);
      }
    }
  });
});
