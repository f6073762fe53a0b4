/** The dispatcher in L4/3, both ways: frames of clients and servers in turn, decided and rewritten by their bytes alone. */
import {
  type ClusterConfig,
  ConnectionState,
  Dispatcher,
  type PortConfig,
  type ServerInfo,
  serverName,
  virtualMacOf,
} from '@ringmaster/dispatch';
import { type IpAddress, parseIp } from 'libnetraw/wire';
import type { Choices, Target } from '../target.js';
import { frameTarget, MAX_CONNECTIONS } from './frames.js';

const ip = (text: string): IpAddress => parseIp(text) as IpAddress;
const STATES = Object.values(ConnectionState);
const PORTS: readonly PortConfig[] = [
  { port: 80, protocol: 'tcp', targetPort: 8080 },
  { port: 53, protocol: 'udp' },
  { port: 443, protocol: 'all', targetPort: 4433 },
  { port: 9000, protocol: 'udp', scheduler: 'source-hash', stateless: true },
];

function cluster(address: IpAddress, gateway: IpAddress, outside: IpAddress): ClusterConfig {
  return {
    ...{ address, virtualMac: virtualMacOf(address), mode: 'l4/3' },
    gateway: { address: gateway, virtualMac: virtualMacOf(gateway) },
    ports: [...PORTS, { port: 8000, protocol: 'all', servers: [{ address: outside }] }],
  };
}

const member = (n: number, active: boolean, weight: number): ServerInfo => ({
  ...{ address: ip(`10.0.0.${n}`) as number, address6: ip(`fd00::${n}`) as Uint8Array },
  ...{ mac: Uint8Array.of(2, 0, 0, 0, 0, n), weight, active, local: n === 11 },
});
const OUTSIDE = ['10.0.0.21', 'fd00::21'].map(ip);

function servers(active: () => boolean, weight: () => number): ServerInfo[] {
  const members = [11, 12, 13].map((n) => member(n, active(), weight()));
  const outside = OUTSIDE.map((address): ServerInfo => ({
    ...{ address: serverName(address), mac: new Uint8Array(6), fixed: true, local: false },
    ...{ active: active(), weight: weight(), ...(typeof address !== 'number' && { address6: address }) },
  }));
  return [...members, ...outside];
}

function create(): Dispatcher {
  const dispatcher = new Dispatcher({
    clusters: [
      cluster(ip('10.0.0.100'), ip('10.0.0.1'), ip('10.0.0.21')),
      cluster(ip('fd00::100'), ip('fd00::1'), ip('fd00::21')),
    ],
    ownMac: Uint8Array.of(2, 0, 0, 0, 0, 11),
    ...{ maxConnections: MAX_CONNECTIONS, seed: 1, holdBytes: 512, mtuBytes: { inner: 200, outer: 160 } },
  });
  dispatcher.setMode('dispatch');
  dispatcher.setServers(
    servers(
      () => true,
      () => 1,
    ),
    0,
  );
  return dispatcher;
}

/** What a server has at its own address, mostly with the client of the fixtures. */
function report(choices: Choices) {
  const n = 11 + choices.below(4);
  const isSix = choices.below(2) === 1;
  const client = choices.below(4) === 0 ? choices.uint(4) : ip(isSix ? '2001:db8::2' : '10.9.0.2');
  return {
    serverAddress: ip(`10.0.0.${n}`) as number,
    clusterAddress: ip(isSix ? `fd00::${n}` : `10.0.0.${n}`),
    clientAddress: client,
    clientPort: choices.below(2) === 0 ? 40_000 : choices.uint(2),
    ...choices.of([
      { port: 8080, protocol: 6 },
      { port: 53, protocol: 17 },
      { port: 4433, protocol: 17 },
    ]),
    state: choices.of(STATES),
  };
}

export const target: Target = frameTarget({
  create,
  servers: (choices) =>
    servers(
      () => choices.below(4) !== 0,
      () => choices.below(2),
    ).filter(() => choices.below(4) !== 0),
  report,
  rewritesAddresses: true,
  hasFixtures: (name) => name.startsWith('l43-') || name.startsWith('malformed'),
});
