import { formatIp, formatMac, parseIp } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { ConnectionMaps } from '../src/map/connectionMaps.js';
import {
  announcementFrames,
  ConnectionState,
  COUNTER_CELLS,
  type Dispatcher,
  Verdict,
  verdictNames,
  virtualMacOf,
} from '../src/index.js';
import {
  address6,
  CLIENT6,
  CLUSTER,
  CLUSTER6,
  createDispatcher,
  createFrame6,
  HEADROOM,
  rowsOf,
  send,
  server,
  SERVERS,
  TcpFlags,
  VIRTUAL_MAC6,
} from './world.js';

const { ack } = TcpFlags;

function send6(dispatcher: Dispatcher, change: Parameters<typeof createFrame6>[0], nowMs: number): number {
  const { memory, length } = createFrame6(change);
  return dispatcher.process(memory, HEADROOM, length, nowMs);
}

const report6 = {
  serverAddress: server(12).address,
  clusterAddress: CLUSTER6,
  clientAddress: CLIENT6,
  clientPort: 40_000,
  port: 80,
  protocol: 6,
  state: ConnectionState.established,
};

describe('connections of both families', () => {
  it('are counted and shown together, IPv4 first, in pieces of any size', () => {
    for (const limit of [1, 2, 3, 5, 100]) {
      const dispatcher = createDispatcher();
      for (let port = 1; port <= 3; port++) send(dispatcher, { sourcePort: port }, 0);
      for (let port = 4; port <= 8; port++) send6(dispatcher, { sourcePort: port }, 0);
      expect(dispatcher.counts).toMatchObject({ total: 8, halfOpen: 8 });
      const shown = rowsOf(dispatcher, limit);
      expect(shown.map((row) => row.clientPort)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(shown.map((row) => formatIp(row.clusterAddress))).toEqual([
        ...Array<string>(3).fill('10.0.0.100'),
        ...Array<string>(5).fill('2001:db8::64'),
      ]);
      expect(formatIp(shown[7].clientAddress)).toBe('2001:db8:9::2');
    }
  });

  it('take turns at the servers of their own service', () => {
    const dispatcher = createDispatcher();
    for (let port = 1; port <= 30; port++) send6(dispatcher, { sourcePort: port }, 0);
    for (const { address } of SERVERS) {
      expect(rowsOf(dispatcher, 100).filter((row) => row.serverAddress === address)).toHaveLength(10);
    }
  });

  it('expire, each in its map', () => {
    const dispatcher = createDispatcher({ timeoutsMs: { halfOpenMs: 1000 } });
    for (let port = 1; port <= 5; port++) {
      send(dispatcher, { sourcePort: port }, 0);
      send6(dispatcher, { sourcePort: port }, 0);
    }
    expect(dispatcher.gc(1001, 1000)).toBe(10);
    expect(dispatcher.counts.total).toBe(0);
  });

  it('have a map of IPv6 only where there is a cluster of it', () => {
    const options = { capacity: 1000, seed: 1, counters: new Float64Array(COUNTER_CELLS) };
    const only4 = new ConnectionMaps(options, true, false);
    expect(only4.ipv6).toBe(only4.ipv4);
    const only6 = new ConnectionMaps(options, false, true);
    expect([only6.ipv4.capacity, only6.ipv6.capacity]).toEqual([1, 1000]);
    expect(only6.of(6)).toBe(only6.ipv6);
  });
});

describe('reports of IPv6 connections', () => {
  it('are entered, and then forwarded', () => {
    const dispatcher = createDispatcher();
    expect(dispatcher.enter(report6, 0)).toBe('entered');
    expect(dispatcher.enter(report6, 0)).toBe('known');
    expect(dispatcher.enter({ ...report6, serverAddress: server(13).address }, 0)).toBe('moved');
    const { memory, length } = createFrame6({ flags: ack });
    expect(dispatcher.process(memory, HEADROOM, length, 0)).toBe(Verdict.forward);
    expect(formatMac(memory, HEADROOM)).toBe('02:00:00:00:00:0d');
    expect(formatMac(memory, HEADROOM + 6)).toBe(formatMac(VIRTUAL_MAC6));
  });

  it('are refused when client and cluster are of two families', () => {
    const dispatcher = createDispatcher();
    expect(dispatcher.enter({ ...report6, clientAddress: 0x0a090002 }, 0)).toBe('invalid');
    expect(dispatcher.enter({ ...report6, clusterAddress: CLUSTER }, 0)).toBe('invalid');
    expect(dispatcher.enter({ ...report6, clusterAddress: address6('2001:db8::65') }, 0)).toBe('noService');
    expect(dispatcher.counts.total).toBe(0);
  });
});

describe('services without entries', () => {
  it('send an IPv6 client to the same server whatever the seed, and clients to all of them', () => {
    const dispatchers = [createDispatcher({ seed: 1 }), createDispatcher({ seed: 2 })];
    const chosen = new Set<string>();
    for (let n = 0; n < 64; n++) {
      const source = CLIENT6.slice();
      source[5 + (n % 11)] ^= n + 1;
      const macs = dispatchers.map((dispatcher) => {
        const { memory, length } = createFrame6({ source, port: 8080, flags: ack, sourcePort: 1 + n });
        expect(verdictNames[dispatcher.process(memory, HEADROOM, length, 0)]).toMatch(/forward|local/);
        return formatMac(memory, HEADROOM);
      });
      expect(macs[0]).toBe(macs[1]);
      chosen.add(macs[0]);
    }
    expect(chosen.size).toBe(SERVERS.length);
    expect(dispatchers[0].counts.total).toBe(0);
  });

  it('know every report, and keep none', () => {
    const dispatcher = createDispatcher();
    expect(dispatcher.enter({ ...report6, port: 8080 }, 0)).toBe('known');
    expect(dispatcher.counts.total).toBe(0);
  });

  it('need a scheduler that needs no memory', () => {
    const virtualMac = virtualMacOf(CLUSTER6);
    const cluster = (scheduler: 'round-robin' | 'maglev' | 'source-hash') => ({
      ...{ address: CLUSTER6, virtualMac },
      ports: [{ port: 80, protocol: 'tcp' as const, scheduler, stateless: true }],
    });
    for (const good of ['maglev', 'source-hash'] as const) createDispatcher({ clusters: [cluster(good)] });
    expect(() => createDispatcher({ clusters: [cluster('round-robin')] })).toThrow(/needs a connection map/);
  });
});

describe('the virtual MAC of an IPv6 address', () => {
  it('is 02:52:4e and its low 24 bits', () => {
    expect(formatMac(virtualMacOf(address6('2001:db8::12:3456')))).toBe('02:52:4e:12:34:56');
  });

  it('is announced by an advertisement to all, and a dispatcher is not moved by it', () => {
    const dispatcher = createDispatcher();
    const [frame, ...more] = announcementFrames(CLUSTER6, VIRTUAL_MAC6);
    expect(more).toEqual([]);
    expect([formatMac(frame), formatMac(frame, 6)]).toEqual(['33:33:00:00:00:01', formatMac(VIRTUAL_MAC6)]);
    // Override, neither solicited nor a router.
    expect(frame[58]).toBe(0x20);
    expect(dispatcher.process(frame, 0, frame.length, 0)).toBe(Verdict.ignore);
    expect(announcementFrames(CLUSTER6, VIRTUAL_MAC6, true)[0][58]).toBe(0xa0);
    expect(parseIp('2001:db8::64')).toEqual(CLUSTER6);
  });
});
