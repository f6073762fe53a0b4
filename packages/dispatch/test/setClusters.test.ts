import { describe, expect, it } from 'vitest';
import {
  type ClusterConfig,
  type Dispatcher,
  DropReason,
  type PortConfig,
  Verdict,
  virtualMacOf,
} from '../src/index.js';
import {
  address,
  CLIENT6,
  CLUSTER,
  CLUSTER6,
  createDispatcher,
  createFrame6,
  HEADROOM,
  rowsOf,
  send,
  TcpFlags,
  VIRTUAL_MAC6,
} from './world.js';

const { syn, ack } = TcpFlags;
const ELSEWHERE = address('10.0.0.201');

const web = (change: Partial<PortConfig> = {}): PortConfig => ({ port: 80, protocol: 'tcp', ...change });
const cluster = (of: number | Uint8Array, ...ports: PortConfig[]): ClusterConfig => ({
  address: of,
  virtualMac: virtualMacOf(of),
  ports,
});
const CLUSTER_V6: ClusterConfig = { address: CLUSTER6, virtualMac: VIRTUAL_MAC6, ports: [web()] };

/** Opens a connection and establishes it; returns the server that it is at. */
function establish(dispatcher: Dispatcher, sourcePort: number, port = 80): number {
  send(dispatcher, { sourcePort, port, flags: syn }, 0);
  send(dispatcher, { sourcePort, port, flags: ack }, 1);
  const row = rowsOf(dispatcher).find((each) => each.clientPort === sourcePort && each.port === port);
  if (row === undefined) throw new Error('it was not opened');
  return row.serverAddress;
}

/** Where the next packets of a connection go, as the map says; `undefined` when they are dropped. */
function serverOf(dispatcher: Dispatcher, sourcePort: number, port = 80): number | undefined {
  const verdict = send(dispatcher, { sourcePort, port, flags: ack }, 2);
  if (verdict !== Verdict.forward && verdict !== Verdict.local) return undefined;
  return rowsOf(dispatcher).find((each) => each.clientPort === sourcePort && each.port === port)
    ?.serverAddress;
}

/** All of `forgetRest`, a few slots at a time. */
function forget(dispatcher: Dispatcher): number {
  let calls = 0;
  for (let from = 0; from >= 0; calls++) from = dispatcher.forgetRest(16, from);
  return calls;
}

describe('setClusters', () => {
  it('leaves every connection where it is when a port is added and another one changes', () => {
    const dispatcher = createDispatcher();
    const before = Array.from({ length: 20 }, (_, n) => establish(dispatcher, 1000 + n));
    dispatcher.setClusters([
      cluster(CLUSTER, web({ scheduler: 'maglev' }), { port: 8000, protocol: 'tcp' }),
      CLUSTER_V6,
    ]);
    forget(dispatcher);
    expect(before.map((_, n) => serverOf(dispatcher, 1000 + n))).toEqual(before);
    expect(send(dispatcher, { sourcePort: 7, port: 8000 }, 3)).not.toBe(Verdict.drop);
  });

  it('lets the connections of a port that is gone go on, and opens no new ones there', () => {
    const dispatcher = createDispatcher();
    const server = establish(dispatcher, 1000, 443);
    dispatcher.setClusters([cluster(CLUSTER, web()), CLUSTER_V6]);
    forget(dispatcher);
    expect(serverOf(dispatcher, 1000, 443)).toBe(server);
    expect(send(dispatcher, { sourcePort: 1001, port: 443 }, 3)).toBe(Verdict.drop);
    expect(dispatcher.dropReason).toBe(DropReason.noService);
  });

  it('does not begin anew with the turns of a service that is configured as before', () => {
    const touched = createDispatcher();
    const untouched = createDispatcher();
    const clusters = [cluster(CLUSTER, web()), CLUSTER_V6];
    for (const each of [touched, untouched]) each.setClusters(clusters);
    for (let n = 0; n < 20; n++) {
      touched.setClusters(
        clusters.map((each) => ({ ...each, ports: each.ports.map((port) => ({ ...port })) })),
      );
      expect(establish(touched, 2000 + n)).toBe(establish(untouched, 2000 + n));
    }
  });

  it('keeps the clients of a network with their server', () => {
    const affinity = { prefix4: 24, prefix6: 64, timeoutMs: 60_000 };
    const dispatcher = createDispatcher();
    dispatcher.setClusters([cluster(CLUSTER, web({ affinity })), CLUSTER_V6]);
    const server = establish(dispatcher, 1000);
    for (let n = 0; n < 10; n++) {
      dispatcher.setClusters([
        cluster(CLUSTER, web({ affinity }), { port: 9000 + n, protocol: 'udp' }),
        CLUSTER_V6,
      ]);
      expect(establish(dispatcher, 1001 + n)).toBe(server);
    }
  });

  it('takes out what a cluster that is gone had, and gives its number to nobody before', () => {
    const dispatcher = createDispatcher();
    const key = { source: CLIENT6, sourcePort: 1000 };
    const open6 = (): number => {
      const { memory, length } = createFrame6({ ...key, flags: syn });
      return dispatcher.process(memory, HEADROOM, length, 0);
    };
    for (let n = 0; n < 50; n++) establish(dispatcher, 1000 + n);
    expect(open6()).not.toBe(Verdict.drop);
    // What was the first cluster is gone; another one comes at the same moment.
    dispatcher.setClusters([cluster(ELSEWHERE, web()), CLUSTER_V6]);
    expect(rowsOf(dispatcher).map(({ clusterAddress }) => clusterAddress)).toEqual([CLUSTER6]);
    expect(forget(dispatcher)).toBeGreaterThan(3);
    expect(dispatcher.counts.total).toBe(1);
    // It comes back: nothing of its former life is known.
    dispatcher.setClusters([cluster(CLUSTER, web()), cluster(ELSEWHERE, web()), CLUSTER_V6]);
    expect(serverOf(dispatcher, 1000)).toBeUndefined();
    expect(dispatcher.dropReason).toBe(DropReason.unknownConnection);
  });

  it('changes nothing when the configuration cannot be', () => {
    const dispatcher = createDispatcher();
    const server = establish(dispatcher, 1000);
    const twice = cluster(CLUSTER, web(), web());
    expect(() => dispatcher.setClusters([cluster(ELSEWHERE, web()), twice])).toThrow(RangeError);
    expect(serverOf(dispatcher, 1000)).toBe(server);
    expect(send(dispatcher, { sourcePort: 1001, port: 443 }, 3)).not.toBe(Verdict.drop);
  });

  it.each([
    ['IPv6', cluster(CLUSTER, web()), CLUSTER_V6],
    ['IPv4', CLUSTER_V6, cluster(CLUSTER, web())],
  ])('refuses the first cluster of %s: there is no map for it', (_, first, second) => {
    const dispatcher = createDispatcher({ clusters: [first] });
    expect(() => dispatcher.setClusters([first, second])).toThrow(/no connection map/);
  });
});
