/**
 * The cluster of the tests: 10.0.0.100 (80 tcp, 53 udp, 443 all, 8080 tcp by hash and without entries), 10.0.0.200
 * (80 tcp) and 2001:db8::64 (as the first), dispatched by 10.0.0.11, which serves too, with 10.0.0.12 and 10.0.0.13.
 */
import {
  encodeEthernet,
  encodeIpv4,
  encodeIpv6,
  encodeTcp,
  encodeUdp,
  EtherType,
  fillTransportChecksum4,
  fillTransportChecksum6,
  IpProtocol,
  parseIpv4,
  parseIpv6,
} from 'libnetraw/wire';
import {
  type ConnectionRow,
  Dispatcher,
  type DispatcherOptions,
  type PortConfig,
  type ServerInfo,
  virtualMacOf,
} from '../src/index.js';

export function address(text: string): number {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

export function address6(text: string): Uint8Array {
  const parsed = parseIpv6(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

export const CLUSTER = address('10.0.0.100');
export const VIRTUAL_MAC = virtualMacOf(CLUSTER);
export const CLUSTER6 = address6('2001:db8::64');
export const VIRTUAL_MAC6 = virtualMacOf(CLUSTER6);
export const CLIENT6 = address6('2001:db8:9::2');
export const CLIENT = address('10.9.0.2');
export const GATEWAY_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0xfe);
export const OWN_MAC = Uint8Array.of(2, 0, 0, 0, 0, 11);
/** Bytes kept free before each test frame, as the vnet header is. */
export const HEADROOM = 10;

export function server(n: number, change: Partial<ServerInfo> = {}): ServerInfo {
  return {
    address: address(`10.0.0.${n}`),
    mac: Uint8Array.of(2, 0, 0, 0, 0, n),
    weight: 1,
    active: true,
    local: n === 11,
    ...change,
  };
}

export const SERVERS = [server(11), server(12), server(13)];

const PORTS: readonly PortConfig[] = [
  { port: 80, protocol: 'tcp' },
  { port: 53, protocol: 'udp' },
  { port: 443, protocol: 'all' },
  { port: 8080, protocol: 'tcp', scheduler: 'source-hash', stateless: true },
];

export function createDispatcher(change: Partial<DispatcherOptions> = {}): Dispatcher {
  const dispatcher = new Dispatcher({
    clusters: [
      {
        address: CLUSTER,
        virtualMac: VIRTUAL_MAC,
        ports: PORTS,
      },
      {
        address: address('10.0.0.200'),
        virtualMac: virtualMacOf(address('10.0.0.200')),
        ports: [{ port: 80, protocol: 'tcp' }],
      },
      { address: CLUSTER6, virtualMac: VIRTUAL_MAC6, ports: PORTS },
    ],
    ownMac: OWN_MAC,
    maxConnections: 1000,
    seed: 1,
    holdBytes: 1000,
    ...change,
  });
  dispatcher.setMode('dispatch');
  dispatcher.setServers(SERVERS, 0);
  return dispatcher;
}

/** What a test frame says; the defaults make it a SYN from the client to port 80. */
export interface FrameChange {
  source?: number;
  sourcePort?: number;
  port?: number;
  flags?: number;
  protocol?: number;
  payloadBytes?: number;
}

/** A frame to the virtual MAC, with {@link HEADROOM} bytes before it that count up from 1. */
export function createFrame(change: FrameChange = {}): { memory: Uint8Array; length: number } {
  const { source = CLIENT, sourcePort = 40_000, port = 80, payloadBytes = 0 } = change;
  const { protocol = IpProtocol.tcp, flags = 2 } = change;
  const segmentBytes = (protocol === IpProtocol.tcp ? 20 : 8) + payloadBytes;
  const length = 34 + segmentBytes;
  const memory = new Uint8Array(HEADROOM + length);
  for (let i = 0; i < HEADROOM; i++) memory[i] = i + 1;
  let at = encodeEthernet(memory, HEADROOM, VIRTUAL_MAC, GATEWAY_MAC, EtherType.ipv4);
  at = encodeIpv4(memory, at, { source, destination: CLUSTER, protocol, payloadLength: segmentBytes });
  if (protocol === IpProtocol.tcp) encodeTcp(memory, at, { sourcePort, destinationPort: port, flags });
  else encodeUdp(memory, at, { sourcePort, destinationPort: port, payloadLength: payloadBytes });
  fillTransportChecksum4(memory, at, segmentBytes, source, CLUSTER, protocol);
  return { memory, length };
}

/** The same over IPv6, to 2001:db8::64. */
export function createFrame6(change: Omit<FrameChange, 'source'> & { source?: Uint8Array } = {}): {
  memory: Uint8Array;
  length: number;
} {
  const { source = CLIENT6, sourcePort = 40_000, port = 80, payloadBytes = 0 } = change;
  const { protocol = IpProtocol.tcp, flags = 2 } = change;
  const segmentBytes = (protocol === IpProtocol.tcp ? 20 : 8) + payloadBytes;
  const length = 54 + segmentBytes;
  const memory = new Uint8Array(HEADROOM + length);
  for (let i = 0; i < HEADROOM; i++) memory[i] = i + 1;
  let at = encodeEthernet(memory, HEADROOM, VIRTUAL_MAC6, GATEWAY_MAC, EtherType.ipv6);
  at = encodeIpv6(memory, at, { source, destination: CLUSTER6, protocol, payloadLength: segmentBytes });
  if (protocol === IpProtocol.tcp) encodeTcp(memory, at, { sourcePort, destinationPort: port, flags });
  else encodeUdp(memory, at, { sourcePort, destinationPort: port, payloadLength: payloadBytes });
  fillTransportChecksum6(memory, at, segmentBytes, HEADROOM + 14 + 8, protocol);
  return { memory, length };
}

/** Processes a fresh frame; returns the verdict. */
export function send(dispatcher: Dispatcher, change: FrameChange, nowMs: number): number {
  const { memory, length } = createFrame(change);
  return dispatcher.process(memory, HEADROOM, length, nowMs);
}

/** All rows of its map, asked for in pieces of `limit`. */
export function rowsOf(dispatcher: Dispatcher, limit = 7): ConnectionRow[] {
  const rows: ConnectionRow[] = [];
  for (let from = 0; from >= 0;) from = dispatcher.snapshot(limit, (row) => rows.push(row), from);
  return rows;
}

export const TcpFlags = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;
