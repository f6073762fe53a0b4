import { describe, expect, it } from 'vitest';
import { ConnectionState, type Dispatcher, type PortConfig, virtualMacOf } from '../../src/index.js';
import {
  address,
  address6,
  createDispatcher,
  createFrame,
  createFrame6,
  HEADROOM,
  server,
} from '../world.js';

const CLUSTER = address('10.0.0.100');
const CLUSTER6 = address6('2001:db8::64');
const affinity = { prefix4: 24, prefix6: 64, timeoutMs: 60_000 };

function create(change: Partial<PortConfig> = {}): Dispatcher {
  const ports: PortConfig[] = [{ port: 80, protocol: 'tcp', affinity, ...change }];
  return createDispatcher({
    clusters: [CLUSTER, CLUSTER6].map((each) => ({ address: each, virtualMac: virtualMacOf(each), ports })),
  });
}

/** Sends a SYN; the last byte of the server's MAC, 11 for this node itself. */
function opens(dispatcher: Dispatcher, client: string, sourcePort: number, nowMs = 0): number {
  const { memory, length } = client.includes(':')
    ? createFrame6({ source: address6(client), sourcePort })
    : createFrame({ source: address(client), sourcePort });
  dispatcher.process(memory, HEADROOM, length, nowMs);
  return memory[HEADROOM + 5] === 0 ? 11 : memory[HEADROOM + 5];
}

const PORTS = Array.from({ length: 20 }, (_, i) => 40_000 + i);

describe.each([
  ['IPv4', '10.9.0.2', '10.9.0.99', '10.9.1.2'],
  ['IPv6', '2001:db8:9::2', '2001:db8:9::99', '2001:db8:9:1::2'],
])('affinity over %s', (_, client, neighbour, other) => {
  it('gives the connections of a network to one server, those of others by turns', () => {
    const dispatcher = create();
    const first = opens(dispatcher, client, 1);
    expect(new Set(PORTS.map((port) => opens(dispatcher, neighbour, port)))).toEqual(new Set([first]));
    expect(opens(dispatcher, other, 1)).not.toBe(first);
    const without = createDispatcher({
      clusters: [CLUSTER, CLUSTER6].map((each) => ({
        address: each,
        virtualMac: virtualMacOf(each),
        ports: [{ port: 80, protocol: 'tcp' as const }],
      })),
    });
    expect(new Set(PORTS.map((port) => opens(without, client, port)))).toEqual(new Set([11, 12, 13]));
  });

  it('chooses anew when the server is drained, and stays with that', () => {
    const dispatcher = create();
    const first = opens(dispatcher, client, 1);
    const others = [11, 12, 13].filter((n) => n !== first);
    dispatcher.setServers([server(first, { weight: 0 }), ...others.map((n) => server(n))], 1);
    const second = opens(dispatcher, neighbour, 2, 2);
    expect(others).toContain(second);
    // The old connection goes on.
    expect(opens(dispatcher, client, 1, 3)).toBe(first);
    dispatcher.setServers(
      [11, 12, 13].map((n) => server(n)),
      4,
    );
    expect(PORTS.map((port) => opens(dispatcher, client, port, 5))).toEqual(PORTS.map(() => second));
  });

  it('is learned from the connections that servers report', () => {
    const dispatcher = create();
    const clientAddress = client.includes(':') ? address6(client) : address(client);
    const report = (serverNumber: number, clientPort: number, state: ConnectionState) =>
      dispatcher.enter(
        {
          serverAddress: server(serverNumber).address,
          clusterAddress: client.includes(':') ? CLUSTER6 : CLUSTER,
          clientAddress,
          clientPort,
          port: 80,
          protocol: 6,
          state,
        },
        0,
      );
    expect(report(12, 7, ConnectionState.closing)).toBe('entered');
    expect(report(13, 8, ConnectionState.established)).toBe('entered');
    expect(new Set(PORTS.map((port) => opens(dispatcher, neighbour, port, 1)))).toEqual(new Set([13]));
  });
});
