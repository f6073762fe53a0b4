import { readdirSync, readFileSync } from 'node:fs';
import { formatIpv4 } from 'libnetraw/wire';
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
import { address, CLUSTER, createDispatcher, HEADROOM, SERVERS } from './world.js';

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
  /** The frame, in hex, without vnet header. */
  frame: string;
  verdict: string;
  dropReason?: string;
  /** The frame to send, or the answer; without it the frame must be untouched. */
  out?: string;
  /** `server state` of each connection in the map afterwards, sorted. */
  after?: string[];
  /** Events counted by this frame; default: not looked at. */
  events?: Record<string, number>;
}

const START_MS = 10_000;
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
        clusterAddress: CLUSTER,
        clientAddress: address(known.client),
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

describe.each(readdirSync(directory).sort())('%s', (file) => {
  const fixtures = JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as Fixture[];

  it.each(fixtures.map((fixture) => [fixture.description, fixture] as const))('%s', (_, fixture) => {
    const dispatcher = prepare(fixture);
    const frame = Buffer.from(fixture.frame, 'hex');
    const memory = new Uint8Array(HEADROOM + frame.length + 8).fill(0xa5);
    memory.set(frame, HEADROOM);
    const before = describeCounters(dispatcher.counters).events;

    const verdict = dispatcher.process(memory, HEADROOM, frame.length, START_MS);

    expect(verdictNames[verdict]).toBe(fixture.verdict);
    if (verdict === Verdict.drop) expect(dropReasonNames[dispatcher.dropReason]).toBe(fixture.dropReason);
    const sent = memory.subarray(HEADROOM, HEADROOM + frame.length);
    if (verdict === Verdict.answer) {
      expect(hex(dispatcher.reply.subarray(0, dispatcher.replyLength))).toBe(fixture.out);
      expect(hex(sent)).toBe(fixture.frame);
    } else {
      expect(hex(sent)).toBe(fixture.out ?? fixture.frame);
    }
    expect(hex(memory.subarray(0, HEADROOM))).toBe('a5'.repeat(HEADROOM));
    expect(hex(memory.subarray(HEADROOM + frame.length))).toBe('a5'.repeat(8));
    if (fixture.after !== undefined) expect(connections(dispatcher)).toEqual(fixture.after);
    if (fixture.events !== undefined) {
      const after = describeCounters(dispatcher.counters).events;
      for (const name of Object.keys(Counter)) {
        expect(after[name] - before[name], name).toBe(fixture.events[name] ?? 0);
      }
    }
  });
});
