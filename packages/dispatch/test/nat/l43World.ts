/**
 * A cluster in L4/3, in both families: 10.0.0.100 and fd00::100 behind the ghost gateways 10.0.0.1 and fd00::1, served by
 * 10.0.0.11 (this node), .12 and .13, or fd00::11 to ::13, and for port 8000 by 10.0.0.21 and fd00::21, which are outside
 * the ring. Port 80 of the cluster is port 8080 of the servers.
 */
import { type IpAddress, parseIp } from 'libnetraw/wire';
import {
  type ClusterConfig,
  Dispatcher,
  type DispatcherOptions,
  type ServerInfo,
  serverName,
  Verdict,
  verdictNames,
  virtualMacOf,
} from '../../src/index.js';
import { type Endpoint, HEADROOM, LINK_BYTES } from './packets.js';

export type Family = 4 | 6;

export function ip(text: string): IpAddress {
  const address = parseIp(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

/** An endpoint, as packets have it. */
export function at(text: string, port = 0): Endpoint {
  const address = ip(text);
  if (typeof address !== 'number') return { address, port };
  return { address: Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address), port };
}

/** Of both families, by number: `host(4, 12)` is 10.0.0.12. */
export function host(family: Family, n: number, port = 0): Endpoint {
  return at(family === 4 ? `10.0.0.${n}` : `fd00::${n}`, port);
}

export const OWN_MAC = Uint8Array.of(2, 0, 0, 0, 0, 11);
export const ROUTER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0xfe);
export const NO_MAC = new Uint8Array(6);
export const macOf = (n: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 0, n);
export const clusterMac = (family: Family): Uint8Array =>
  virtualMacOf(ip(family === 4 ? '10.0.0.100' : 'fd00::100'));
export const gatewayMac = (family: Family): Uint8Array =>
  virtualMacOf(ip(family === 4 ? '10.0.0.1' : 'fd00::1'));

export function server(n: number, change: Partial<ServerInfo> = {}): ServerInfo {
  return {
    address: ip(`10.0.0.${n}`) as number,
    address6: ip(`fd00::${n}`) as Uint8Array,
    mac: macOf(n),
    weight: 1,
    active: true,
    local: n === 11,
    ...change,
  };
}

/** A server outside the ring: known by one address, its MAC to be learned. */
function fixed(address: IpAddress): ServerInfo {
  const named = { address: serverName(address), mac: NO_MAC, fixed: true };
  const info = { ...named, weight: 1, active: true, local: false };
  return typeof address === 'number' ? info : { ...info, address6: address };
}

export const SERVERS = [server(11), server(12), server(13), fixed(ip('10.0.0.21')), fixed(ip('fd00::21'))];

function cluster(family: Family): ClusterConfig {
  const [address, gateway, outside] = (
    family === 4 ? ['10.0.0.100', '10.0.0.1', '10.0.0.21'] : ['fd00::100', 'fd00::1', 'fd00::21']
  ).map(ip);
  return {
    address,
    virtualMac: virtualMacOf(address),
    mode: 'l4/3',
    gateway: { address: gateway, virtualMac: virtualMacOf(gateway) },
    ports: [
      { port: 80, protocol: 'tcp', targetPort: 8080 },
      { port: 53, protocol: 'udp' },
      { port: 443, protocol: 'all', targetPort: 4433 },
      { port: 8000, protocol: 'all', servers: [{ address: outside }] },
      { port: 9000, protocol: 'udp', scheduler: 'source-hash', stateless: true },
    ],
  };
}

/** Both. */
export const CLUSTERS: readonly ClusterConfig[] = [cluster(4), cluster(6)];

export function createL43(change: Partial<DispatcherOptions> = {}): Dispatcher {
  const dispatcher = new Dispatcher({
    clusters: CLUSTERS,
    ownMac: OWN_MAC,
    maxConnections: 1000,
    seed: 1,
    holdBytes: 4096,
    ...change,
  });
  dispatcher.setMode('dispatch');
  dispatcher.setServers(SERVERS, 0);
  return dispatcher;
}

/** A frame around an IP packet, with its headroom before it. */
export function frame(packet: Uint8Array, destination: Uint8Array, source: Uint8Array): Uint8Array {
  const memory = new Uint8Array(HEADROOM + LINK_BYTES + packet.length);
  memory.set([...destination, ...source], HEADROOM);
  memory.set(packet[0] >>> 4 === 4 ? [0x08, 0x00] : [0x86, 0xdd], HEADROOM + 12);
  memory.set(packet, HEADROOM + LINK_BYTES);
  return memory;
}

export interface Outcome {
  readonly verdict: string;
  /** MACs and packet of the frame afterwards, or of the answer. */
  readonly to: Uint8Array;
  readonly from: Uint8Array;
  readonly packet: Uint8Array;
}

/** Has a frame processed; what stands in its headroom stays. */
export function run(dispatcher: Dispatcher, memory: Uint8Array, nowMs = 10_000): Outcome {
  const verdict = dispatcher.process(memory, HEADROOM, memory.length - HEADROOM, nowMs);
  const bytes =
    verdict === Verdict.answer
      ? dispatcher.reply.slice(0, dispatcher.replyLength)
      : memory.slice(HEADROOM + (verdict === Verdict.drop ? 0 : dispatcher.skipBytes));
  return {
    verdict: verdictNames[verdict],
    to: bytes.slice(0, 6),
    from: bytes.slice(6, 12),
    packet: bytes.slice(LINK_BYTES),
  };
}
