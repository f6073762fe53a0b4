import { readdirSync, readFileSync } from 'node:fs';
import { formatIp } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import {
  ConnectionState,
  type Dispatcher,
  type DispatchMode,
  dropReasonNames,
  type ServerInfo,
  Verdict,
  verdictNames,
} from '../../src/index.js';
import { createL43, ip, SERVERS } from './l43World.js';
import { HEADROOM } from './packets.js';

/**
 * Whole packets of the world of `l43World.ts` as data, made by hand and not by the code under test: what came, in which
 * state, what became of it.
 */
interface Fixture {
  description: string;
  /** Default `dispatch`. */
  mode?: DispatchMode;
  hold?: boolean;
  /** For how long, in milliseconds, the rebuild has been over; default: there was none. */
  released?: number;
  /** Servers of the ring that are not there. */
  servers?: Record<string, 'absent'>;
  /** What servers have reported: `local` is what their kernels call the local address. */
  known?: {
    client: string;
    clientPort: number;
    port: number;
    protocol: 'tcp' | 'udp';
    server: string;
    local: string;
    state: 'established';
  }[];
  mtu?: { inner: number; outer: number };
  /** Frames that have come before, without offload header. */
  before?: string[];
  /** The node's mode when they came. */
  beforeMode?: DispatchMode;
  /** The offload header, 10 bytes in hex; default all zero. */
  vnet?: string;
  /** The frame, in hex. */
  frame: string;
  verdict: string;
  dropReason?: string;
  /** The frame to send, or the answer; without it the frame must be untouched. */
  out?: string;
  /** Whether the answer is for this node's own kernel. */
  local?: boolean;
  /** `server state` of each connection in the map afterwards, sorted. */
  after?: string[];
}

const START_MS = 100_000;
const GUARD_BYTES = 8;

function serversOf(fixture: Fixture): ServerInfo[] {
  return SERVERS.filter((server) => fixture.servers?.[formatIp(server.address)] !== 'absent');
}

function prepare(fixture: Fixture): Dispatcher {
  const dispatcher = createL43(fixture.mtu && { mtuBytes: fixture.mtu });
  dispatcher.setServers(serversOf(fixture), 0);
  for (const known of fixture.known ?? []) {
    const report = {
      serverAddress: ip(known.server) as number,
      clusterAddress: ip(known.local),
      clientAddress: ip(known.client),
      clientPort: known.clientPort,
      port: known.port,
      protocol: known.protocol === 'udp' ? 17 : 6,
      state: ConnectionState.established,
    };
    expect(dispatcher.enter(report, 0)).toBe('entered');
  }
  if (fixture.released !== undefined) {
    dispatcher.hold(true);
    dispatcher.gc(START_MS - fixture.released, 0);
    dispatcher.hold(false);
  }
  dispatcher.setMode(fixture.beforeMode ?? fixture.mode ?? 'dispatch');
  for (const frame of fixture.before ?? []) {
    const { memory, length } = layOut(frame, '00'.repeat(HEADROOM));
    expect([Verdict.drop, Verdict.ignore]).not.toContain(
      dispatcher.process(memory, HEADROOM, length, START_MS),
    );
  }
  dispatcher.setMode(fixture.mode ?? 'dispatch');
  dispatcher.hold(fixture.hold ?? false);
  return dispatcher;
}

/** A frame with its offload header before it, and a guard behind. */
function layOut(frame: string, vnet: string): { memory: Uint8Array; length: number } {
  const bytes = Buffer.from(frame, 'hex');
  const memory = new Uint8Array(HEADROOM + bytes.length + GUARD_BYTES).fill(0xa5);
  memory.set(Buffer.from(vnet, 'hex'));
  memory.set(bytes, HEADROOM);
  return { memory, length: bytes.length };
}

function connections(dispatcher: Dispatcher): string[] {
  const rows: string[] = [];
  const names = new Map(
    SERVERS.map(({ address, address6 = address, fixed = false }) => [
      address,
      formatIp(fixed && address >>> 28 === 15 ? address6 : address),
    ]),
  );
  for (let from = 0; from >= 0;) {
    from = dispatcher.snapshot(100, (row) => rows.push(`${names.get(row.serverAddress)} ${row.state}`), from);
  }
  return rows.sort();
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const directory = new URL('../fixtures/', import.meta.url);
const files = readdirSync(directory).filter((name) => name.startsWith('l43-'));

describe.each(files.sort())('%s', (file) => {
  const fixtures = JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as Fixture[];

  it.each(fixtures.map((fixture) => [fixture.description, fixture] as const))('%s', (_, fixture) => {
    const dispatcher = prepare(fixture);
    const vnet = fixture.vnet ?? '00'.repeat(HEADROOM);
    const { memory, length } = layOut(fixture.frame, vnet);

    const verdict = dispatcher.process(memory, HEADROOM, length, START_MS);

    const reason = verdict === Verdict.drop ? dropReasonNames[dispatcher.dropReason] : undefined;
    expect({ verdict: verdictNames[verdict], reason }).toEqual({
      verdict: fixture.verdict,
      reason: fixture.dropReason,
    });
    const sent = hex(memory.subarray(HEADROOM, HEADROOM + length));
    if (verdict === Verdict.answer) {
      expect(hex(dispatcher.reply.subarray(0, dispatcher.replyLength))).toBe(fixture.out);
      expect(dispatcher.replyIsLocal).toBe(fixture.local ?? false);
      expect(sent).toBe(fixture.frame);
    } else {
      expect(sent).toBe(fixture.out ?? fixture.frame);
    }
    expect(hex(memory.subarray(0, HEADROOM))).toBe(vnet);
    expect(hex(memory.subarray(HEADROOM + length))).toBe('a5'.repeat(GUARD_BYTES));
    if (fixture.after !== undefined) expect(connections(dispatcher)).toEqual(fixture.after);
  });
});
