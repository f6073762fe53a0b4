import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { ConnectionState, Dispatcher, virtualMacOf } from '@ringmaster/dispatch';
import { TcpState } from 'libnetraw';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CommandInbox, connectionStateOf, type CommandTarget } from '../../src/dataplane/inbox.js';
import { SharedState } from '../../src/dataplane/sharedState.js';
import type { Command, ConnectionList, Report } from '../../src/dataplane/types.js';

const CLUSTER = 0x0a000064;
const SERVER = 0x0a00000b;

let shared: SharedState;
let sender: MessagePort;
let receiver: MessagePort;
let inbox: CommandInbox;
let reports: Report[];
let applied: string[];
let target: CommandTarget;

beforeEach(() => {
  shared = new SharedState();
  ({ port1: sender, port2: receiver } = new MessageChannel());
  reports = [];
  applied = [];
  inbox = new CommandInbox(receiver, shared, (report) => reports.push(report));
  const dispatcher = new Dispatcher({
    clusters: [
      { address: CLUSTER, virtualMac: virtualMacOf(CLUSTER), ports: [{ port: 80, protocol: 'tcp' }] },
    ],
    ownMac: Uint8Array.of(2, 0, 0, 0, 0, 1),
    maxConnections: 5000,
    seed: 1,
    holdBytes: 1024,
  });
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 2);
  dispatcher.setServers([{ address: SERVER, mac, weight: 1, active: true, local: false }], 0);
  target = {
    dispatcher,
    setRole: (role) => void applied.push(`role ${role}`),
    setServers: (servers) => void applied.push(`servers ${servers.length}`),
    setClusters: (clusters) => {
      applied.push(`clusters ${clusters.length}`);
      dispatcher.setClusters(clusters);
    },
    setShare: ({ answers }) => void applied.push(`share ${answers}`),
    hold: (on) => void applied.push(`hold ${on}`),
  };
});

afterEach(() => sender.close());

function send(...commands: Command[]): void {
  for (const command of commands) {
    sender.postMessage(command);
    shared.announceMail();
  }
}

/** Steps until there is nothing to do; returns how many steps that took. */
function settle(): number {
  let steps = 0;
  while (inbox.step(target, 1000)) steps += 1;
  return steps;
}

function connections(count: number, state: number = TcpState.established): ConnectionList & { family: 4 } {
  return {
    family: 4,
    count,
    localAddress: new Uint32Array(count).fill(CLUSTER),
    localPort: new Uint16Array(count).fill(80),
    clientAddress: new Uint32Array(count).fill(0x0a090002),
    clientPort: Uint16Array.from({ length: count }, (_, i) => 1024 + i),
    state: new Uint8Array(count).fill(state),
  };
}

it('has nothing to do without mail', () => {
  expect(inbox.step(target, 0)).toBe(false);
});

it('applies commands in their order', () => {
  send({ type: 'hold', on: true }, { type: 'role', role: 'dispatch' }, { type: 'servers', servers: [] });
  settle();
  expect(applied).toEqual(['hold true', 'role dispatch', 'servers 0']);
});

it('enters a long list in pieces, and later commands wait for the end', () => {
  send({ type: 'enter', id: 5, server: SERVER, list: connections(3000) }, { type: 'hold', on: false });
  expect(settle()).toBeGreaterThan(5);
  expect(reports).toEqual([
    { type: 'entered', id: 5, report: { entered: 3000, known: 0, moved: 0, refused: 0 } },
  ]);
  expect(applied).toEqual(['hold false']);
  expect(target.dispatcher.counts.established).toBe(3000);
});

it('counts what it cannot enter', () => {
  const list = connections(4);
  list.localAddress[0] += 1;
  list.localPort[1] = 81;
  list.clientPort[2] = 0;
  send({ type: 'enter', id: 1, server: SERVER, list });
  settle();
  expect(reports[0]).toMatchObject({ report: { entered: 1, refused: 3 } });
  send({ type: 'enter', id: 2, server: SERVER + 1, list });
  settle();
  expect(reports[1]).toMatchObject({ report: { entered: 0, refused: 4 } });
});

it('counts connections over IPv6 to a cluster without IPv6 as refused', () => {
  const { localPort, clientPort, state } = connections(2);
  const addresses = new Uint8Array(32).fill(1);
  const list: ConnectionList = {
    family: 6,
    count: 2,
    localAddress: addresses,
    clientAddress: addresses,
    localPort,
    clientPort,
    state,
  };
  send({ type: 'enter', id: 1, server: SERVER, list });
  settle();
  expect(reports[0]).toMatchObject({ report: { entered: 0, refused: 2 } });
});

it('answers for an empty list too', () => {
  send({ type: 'enter', id: 9, server: SERVER, list: connections(0) });
  settle();
  expect(reports).toEqual([
    { type: 'entered', id: 9, report: { entered: 0, known: 0, moved: 0, refused: 0 } },
  ]);
});

it('lists up to a limit, in pieces', () => {
  send(
    { type: 'enter', id: 1, server: SERVER, list: connections(2000) },
    { type: 'snapshot', id: 2, limit: 1500 },
  );
  settle();
  const [, listed] = reports;
  expect(listed.type === 'rows' && listed.rows.length).toBe(1500);
  expect(listed.type === 'rows' && new Set(listed.rows.map((row) => row.clientPort)).size).toBe(1500);
  send({ type: 'snapshot', id: 3, limit: 0 }, { type: 'snapshot', id: 4, limit: 9999 });
  settle();
  expect(reports.slice(2).map((report) => report.type === 'rows' && report.rows.length)).toEqual([0, 2000]);
});

it('sees of a TCP state what the client has done', () => {
  expect(connectionStateOf(TcpState.synReceived)).toBe(ConnectionState.halfOpen);
  expect(connectionStateOf(TcpState.established)).toBe(ConnectionState.established);
  expect(connectionStateOf(TcpState.finWait2)).toBe(ConnectionState.established);
  expect(connectionStateOf(TcpState.closeWait)).toBe(ConnectionState.closing);
  expect(connectionStateOf(TcpState.lastAck)).toBe(ConnectionState.closing);
});

it('takes out what a cluster that is gone has left, a piece a turn, before it does anything else', () => {
  const elsewhere = 0x0a0000c8;
  const ports = [{ port: 80, protocol: 'tcp' as const }];
  const clusters = [{ address: elsewhere, virtualMac: virtualMacOf(elsewhere), ports }];
  send({ type: 'enter', id: 1, server: SERVER, list: connections(5000) });
  settle();
  expect(target.dispatcher.counts.total).toBe(5000);
  send({ type: 'clusters', clusters }, { type: 'hold', on: true });
  inbox.step(target, 1000);
  inbox.step(target, 1000);
  expect(target.dispatcher.counts.total).toBeGreaterThan(0);
  expect(applied).toEqual(['clusters 1']);
  settle();
  expect(target.dispatcher.counts.total).toBe(0);
  expect(applied).toEqual(['clusters 1', 'hold true']);
});
