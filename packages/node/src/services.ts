import { MAX_SERVICES_BYTES } from '@ringmaster/ring';
import type { ClusterConfig } from './config/index.js';
import { ipv4Number } from './host/clusterAddress.js';

/**
 * What announcements carry for the nodes (R9), opaque to the ring: the 4 bytes of the node's own IPv4 address, then per
 * port 4 bytes of cluster address, 2 of port, 1 of protocol (6 tcp, 17 udp, 0 both), as many as fit.
 *
 * The ring's order may be that of MACs, but users, connection lists and the connection map know a node by its IPv4
 * address. The services tell members with different configurations apart.
 */
const HOST_BYTES = 4;
export const SERVICE_BYTES = 7;
const MAX_SERVICES = Math.floor((MAX_SERVICES_BYTES - HOST_BYTES) / SERVICE_BYTES);
const PROTOCOL_NUMBER = { tcp: 6, udp: 17, all: 0 } as const;

/** @param host the node's own address, dotted */
export function encodeServices(host: string, clusters: readonly ClusterConfig[]): Uint8Array {
  const services = clusters
    .flatMap(({ address, ports }) => ports.map((service) => ({ address, ...service })))
    .slice(0, MAX_SERVICES);
  const bytes = new Uint8Array(HOST_BYTES + services.length * SERVICE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ipv4Number(host));
  services.forEach(({ address, port, protocol }, i) => {
    const at = HOST_BYTES + i * SERVICE_BYTES;
    view.setUint32(at, ipv4Number(address));
    view.setUint16(at + 4, port);
    view.setUint8(at + 6, PROTOCOL_NUMBER[protocol]);
  });
  return bytes;
}

/**
 * Whether `theirs` has every service of `own`. A member without them would answer the clients' connections with a reset:
 * it is configured differently, or not yet. Lists that were cut off at their greatest length are not judged.
 */
export function offersAll(own: Uint8Array, theirs: Uint8Array): boolean {
  if (own.length > MAX_SERVICES_BYTES - SERVICE_BYTES) return true;
  const offered = new Set(servicesIn(theirs));
  return servicesIn(own).every((service) => offered.has(service));
}

function servicesIn(bytes: Uint8Array): string[] {
  const services: string[] = [];
  for (let at = HOST_BYTES; at + SERVICE_BYTES <= bytes.length; at += SERVICE_BYTES) {
    services.push(bytes.subarray(at, at + SERVICE_BYTES).join());
  }
  return services;
}

/** The IPv4 address in front of announced services, unsigned; `undefined` when there is none. */
export function hostOfServices(services: Uint8Array): number | undefined {
  if (services.length < HOST_BYTES) return undefined;
  const host = new DataView(services.buffer, services.byteOffset).getUint32(0);
  return host === 0 ? undefined : host;
}
