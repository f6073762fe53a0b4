import { describe, expect, it } from 'vitest';
import {
  type ClusterConfig,
  ConnectionState,
  type Dispatcher,
  DropReason,
  dropReasonNames,
  type ReportedConnection,
  Verdict,
  virtualMacOf,
} from '../../src/index.js';
import { ServiceTree } from '../../src/serviceTree.js';
import {
  at,
  clusterMac,
  createL43,
  frame,
  gatewayMac,
  host,
  ip,
  macOf,
  OWN_MAC,
  ROUTER_MAC,
  run,
  server,
} from './l43World.js';
import { HEADROOM, segmentPacket } from './packets.js';

const CLIENT = at('10.9.0.2', 40_000);
const NOTHING = new Uint8Array(0);

function report(change: Partial<ReportedConnection> = {}): ReportedConnection {
  return {
    serverAddress: server(12).address,
    clusterAddress: ip('10.0.0.12'),
    clientAddress: ip('10.9.0.2'),
    clientPort: 40_000,
    port: 8080,
    protocol: 6,
    state: ConnectionState.established,
    ...change,
  };
}

/** A client's datagram or data, from a MAC. */
function fromClient(
  port: number,
  protocol = 6,
  clientPort = CLIENT.port,
  mac: Uint8Array = ROUTER_MAC,
): Uint8Array {
  const packet = segmentPacket(
    { ...CLIENT, port: clientPort },
    host(4, 100, port),
    protocol,
    NOTHING,
    'full',
  );
  return frame(packet, clusterMac(4), mac);
}

function fromServer(n: number, port: number, protocol = 6, clientPort = CLIENT.port): Uint8Array {
  const packet = segmentPacket(host(4, n, port), { ...CLIENT, port: clientPort }, protocol, NOTHING, 'full');
  return frame(packet, gatewayMac(4), n === 11 ? OWN_MAC : macOf(n));
}

describe('reports of servers in L4/3', () => {
  it('tell of their own address and port, and are entered as connections of the cluster', () => {
    const dispatcher = createL43();
    expect(dispatcher.enter(report(), 0)).toBe('entered');
    expect(dispatcher.enter(report(), 0)).toBe('known');
    const rows: unknown[] = [];
    dispatcher.snapshot(10, (row) => rows.push(row));
    expect(rows).toMatchObject([
      { clusterAddress: ip('10.0.0.100'), port: 80, serverAddress: ip('10.0.0.12'), state: 'established' },
    ]);
    const address6 = server(12).address6 as Uint8Array;
    const six = { clusterAddress: address6, clientAddress: ip('2001:db8::2') };
    expect(dispatcher.enter(report(six), 0)).toBe('entered');
    expect(dispatcher.enter(report({ port: 53, protocol: 17 }), 0)).toBe('entered');
  });

  it('are refused at another address, at no target port, or from nobody', () => {
    const dispatcher = createL43();
    expect(dispatcher.enter(report({ clusterAddress: ip('10.0.0.13') }), 0)).toBe('noService');
    expect(dispatcher.enter(report({ clusterAddress: ip('10.0.0.100'), port: 80 }), 0)).toBe('noService');
    expect(dispatcher.enter(report({ port: 80 }), 0)).toBe('noService');
    expect(dispatcher.enter(report({ serverAddress: ip('10.0.0.99') as number }), 0)).toBe('noServer');
    expect(dispatcher.enter(report({ clientAddress: ip('2001:db8::2') }), 0)).toBe('invalid');
    expect(dispatcher.enter(report({ clientPort: 0 }), 0)).toBe('invalid');
  });
});

describe('next hops', () => {
  it('follow the client: answers go to where its last frame came from', () => {
    const dispatcher = createL43();
    dispatcher.enter(report(), 0);
    for (const mac of [ROUTER_MAC, macOf(0xfd), ROUTER_MAC]) {
      run(dispatcher, fromClient(80, 6, CLIENT.port, mac));
      expect(run(dispatcher, fromServer(12, 8080))).toMatchObject({ verdict: 'outward', to: mac });
    }
  });

  it('are not learned from members, which only pass on, nor from what cannot be a host', () => {
    const dispatcher = createL43();
    dispatcher.enter(report(), 0);
    const nobodys: Uint8Array[] = [
      macOf(13),
      OWN_MAC,
      clusterMac(4),
      Uint8Array.of(0, 0, 0, 0, 0, 0),
      Uint8Array.of(1, 0, 0x5e, 0, 0, 1),
    ];
    for (const mac of nobodys) {
      run(dispatcher, fromClient(80, 6, CLIENT.port, mac));
      expect(run(dispatcher, fromServer(12, 8080)).verdict).toBe('resolve');
    }
    run(dispatcher, fromClient(80));
    run(dispatcher, fromClient(80, 6, CLIENT.port, macOf(13)));
    expect(run(dispatcher, fromServer(12, 8080))).toMatchObject({ verdict: 'outward', to: ROUTER_MAC });
  });

  it('number 255 at a time, and one that no connection has any more makes room', () => {
    const dispatcher = createL43({ timeoutsMs: { udpMs: 1000, udpHalfOpenMs: 1000 } });
    const macs: Uint8Array[] = Array.from({ length: 256 }, (_, n) =>
      Uint8Array.of(2, 7, 0, 0, n >>> 8, n & 0xff),
    );
    const open = (n: number): string => {
      run(dispatcher, fromClient(53, 17, 1000 + n, macs[n]), 10_000);
      const row = serverOf(dispatcher, 1000 + n);
      return run(dispatcher, fromServer(row, 53, 17, 1000 + n), 10_000).verdict;
    };
    expect(macs.map((_, n) => open(n))).toEqual([...Array<string>(255).fill('outward'), 'resolve']);
    // All but the last two clients fall silent.
    run(dispatcher, fromClient(53, 17, 1000 + 254, macs[254]), 10_900);
    dispatcher.gc(11_500, 10_000);
    expect(dispatcher.counts.total).toBe(1);
    expect(open(255)).toBe('outward');
    expect(run(dispatcher, fromServer(serverOf(dispatcher, 1254), 53, 17, 1254), 11_500)).toMatchObject({
      verdict: 'outward',
      to: macs[254],
    });
  });
});

function serverOf(dispatcher: Dispatcher, clientPort: number): number {
  let found = 0;
  dispatcher.snapshot(1000, (row) => {
    if (row.clientPort === clientPort) found = row.serverAddress & 0xff;
  });
  return found;
}

describe('answers to packets that cannot go on', () => {
  it('are bounded', () => {
    const dispatcher = createL43();
    dispatcher.enter(report(), 0);
    const packet = segmentPacket(CLIENT, host(4, 100, 80), 6, NOTHING, 'full', 1);
    const verdicts = Array.from(
      { length: 60 },
      () => run(dispatcher, frame(packet, clusterMac(4), ROUTER_MAC)).verdict,
    );
    expect(verdicts).toEqual([...Array<string>(50).fill('answer'), ...Array<string>(10).fill('drop')]);
    expect(dropReasonNames[dispatcher.dropReason]).toBe('hopsExceeded');
    expect(run(dispatcher, frame(packet, clusterMac(4), ROUTER_MAC), 10_001).verdict).toBe('answer');
  });

  it('never go to a group', () => {
    const dispatcher = createL43();
    dispatcher.enter(report(), 0);
    const packet = segmentPacket(CLIENT, host(4, 100, 80), 6, NOTHING, 'full', 1);
    const group = Uint8Array.of(1, 0, 0x5e, 0, 0, 1);
    expect(run(dispatcher, frame(packet, clusterMac(4), group)).verdict).toBe('drop');
  });
});

describe('tagged frames', () => {
  /** The same frame with a VLAN tag. */
  function tag(memory: Uint8Array): Uint8Array {
    const tagged = new Uint8Array(memory.length + 4);
    tagged.set(memory.subarray(0, HEADROOM + 12));
    tagged.set([0x81, 0, 0, 5], HEADROOM + 12);
    tagged.set(memory.subarray(HEADROOM + 12), HEADROOM + 16);
    return tagged;
  }

  it('keep their tag on the wire, and lose it on the way to the host', () => {
    const dispatcher = createL43();
    dispatcher.enter(report(), 0);
    const answer = tag(fromServer(12, 8080));
    expect(dispatcher.process(answer, HEADROOM, answer.length - HEADROOM, 10_000)).toBe(Verdict.resolve);
    expect(dispatcher.skipBytes).toBe(4);
    expect([...answer.subarray(HEADROOM + 16, HEADROOM + 19)]).toEqual([0x08, 0, 0x45]);
    const question = tag(fromClient(80));
    expect(dispatcher.process(question, HEADROOM, question.length - HEADROOM, 10_000)).toBe(Verdict.forward);
    expect([...question.subarray(HEADROOM + 12, HEADROOM + 19)]).toEqual([0x81, 0, 0, 5, 0x08, 0, 0x45]);
    expect([...question.subarray(HEADROOM + 18 + 16, HEADROOM + 18 + 20)]).toEqual([10, 0, 0, 12]);
  });
});

describe('what comes in at the ghost gateway', () => {
  it.each([
    ['IPv4 cut off', [0x45, 0, 0, 40], DropReason.malformedIp],
    ['something else', [0x12, 0x34], DropReason.notIp],
  ] as const)('%s is dropped', (_, bytes, reason) => {
    const dispatcher = createL43();
    const memory = frame(Uint8Array.from(bytes), gatewayMac(4), macOf(12));
    if (reason === DropReason.notIp) memory.set([0x12, 0x34], HEADROOM + 12);
    else memory.set([0x08, 0], HEADROOM + 12);
    expect(run(dispatcher, memory).verdict).toBe('drop');
    expect(dispatcher.dropReason).toBe(reason);
  });
});

describe('a configuration of L4/3', () => {
  const address = ip('10.0.0.100');
  const gateway = { address: ip('10.0.0.1'), virtualMac: virtualMacOf(ip('10.0.0.1')) };
  const good: ClusterConfig = {
    ...{ address, virtualMac: virtualMacOf(address), mode: 'l4/3', gateway },
    ports: [{ port: 80, protocol: 'tcp', targetPort: 8080 }],
  };
  const second = ip('10.0.0.200');
  const other = { ...good, address: second, virtualMac: virtualMacOf(second) };

  it.each([
    ['no gateway', [{ ...good, gateway: undefined }]],
    ['a gateway of the other family', [{ ...good, gateway: { ...gateway, address: ip('fd00::1') } }]],
    ['a gateway that is a cluster', [{ ...good, gateway: { ...gateway, address } }]],
    [
      'a gateway with the virtual MAC of a cluster',
      [{ ...good, gateway: { ...gateway, virtualMac: virtualMacOf(address) } }],
    ],
    ['two services with one target port', [good, other]],
    [
      'one gateway with two MACs',
      [good, { ...other, ports: [], gateway: { ...gateway, virtualMac: Uint8Array.of(2, 2, 2, 2, 2, 2) } }],
    ],
    ['another port in L4/2', [{ ...good, mode: 'l4/2' }]],
    [
      'servers outside the ring in L4/2',
      [{ ...good, mode: 'l4/2', ports: [{ port: 80, protocol: 'tcp', servers: [] }] }],
    ],
    ['no port that can be', [{ ...good, ports: [{ port: 80, protocol: 'tcp', targetPort: 0 }] }]],
  ] as [string, ClusterConfig[]][])('is refused: %s', (_, clusters) => {
    expect(() => new ServiceTree(clusters)).toThrow(RangeError);
  });

  it('may have several clusters behind one gateway, and the same port for TCP and UDP', () => {
    const ports = [{ port: 80, protocol: 'udp', targetPort: 8080 }] as const;
    const tree = new ServiceTree([good, { ...other, ports }]);
    expect(tree.translatedService(4, 6, 8080)?.cluster.address).toBe(address);
    expect(tree.translatedService(4, 17, 8080)?.cluster.address).toBe(second);
    expect(tree.translatedService(6, 6, 8080)).toBeUndefined();
  });
});
