/** The dispatcher in L4/2, given frames in turn: decided by their bytes alone, only MAC addresses rewritten, nothing outside touched. */
import { ConnectionState, Dispatcher, type PortConfig, virtualMacOf } from '@ringmaster/dispatch';
import type { IpAddress } from 'libnetraw/wire';
import type { Choices, Target } from '../target.js';
import { frameTarget, MAX_CONNECTIONS } from './frames.js';

const [CLUSTER, SECOND] = [0x0a000064, 0x0a0000c8];
const CLUSTER6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64);
const STATES = Object.values(ConnectionState);

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

export const target: Target = frameTarget({
  create: createDispatcher,
  servers: (choices) =>
    [11, 12, 13]
      .filter(() => choices.below(4) !== 0)
      .map((n) => server(n, choices.below(4) !== 0, choices.below(2))),
  report: (choices) => ({
    serverAddress: 0x0a00000b + choices.below(3),
    ...ends(choices),
    clientPort: choices.uint(2),
    port: 80,
    protocol: 6,
    state: choices.of(STATES),
  }),
  rewritesAddresses: false,
  hasFixtures: (name) => !name.startsWith('l43-'),
});
