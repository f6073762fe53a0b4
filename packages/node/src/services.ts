import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { serviceName } from '@ringmaster/dispatch';
import { MAX_SERVICES_BYTES } from '@ringmaster/ring';
import { IPV6_ADDRESS_BYTES, parseIpv6 } from 'libnetraw/wire';
import { canonicalAddress } from './config/address.js';
import type { ClusterConfig, ServicePortConfig } from './config/index.js';
import { ipAddress, ipv4Number } from './host/clusterAddress.js';

/**
 * What announcements carry for the nodes (R9), opaque to the ring: the 4 bytes of the node's own IPv4 address, then rows of 7
 * bytes, as many as fit. Of what rows are possible the first byte decides:
 *
 *   other than 0   a service of L4/2 over IPv4: 4 bytes of cluster address, 2 of port, 1 of protocol (6 tcp, 17 udp, 0 both)
 *   0              an extension, which nodes that know only IPv4 take for a service of 0.0.0.0/8 that they do not have:
 *                  then its kind (1), and 5 bytes: of kind 1 to 4 the host's IPv6 address, piece by piece, and of kind 16
 *                  a digest of a service that is not L4/2 over IPv4
 *
 * The ring's order may be that of MACs, but users, connection lists and the connection map know a node by its IPv4
 * address. The services tell members with different configurations apart.
 */
const HOST_BYTES = 4;
export const SERVICE_BYTES = 7;
const MAX_ROWS = Math.floor((MAX_SERVICES_BYTES - HOST_BYTES) / SERVICE_BYTES);
const PROTOCOL_NUMBER = { tcp: 6, udp: 17, all: 0 } as const;
const EXTENSION = 0;
const ADDRESS6_KINDS = [1, 2, 3, 4];
const DIGEST_KIND = 16;
const EXTENSION_DATA_BYTES = 5;

/** A node's own addresses: dotted, and of IPv6 if it has one. */
export interface AnnouncedHost {
  readonly address: string;
  readonly address6?: string;
}

export function encodeServices(host: AnnouncedHost, clusters: readonly ClusterConfig[]): Uint8Array {
  const services = clusters.flatMap((cluster) => cluster.ports.map((port) => serviceRow(cluster, port)));
  const rows = [...address6Rows(host, clusters), ...services].slice(0, MAX_ROWS);
  const bytes = new Uint8Array(HOST_BYTES + rows.length * SERVICE_BYTES);
  new DataView(bytes.buffer).setUint32(0, ipv4Number(host.address));
  rows.forEach((row, i) => bytes.set(row, HOST_BYTES + i * SERVICE_BYTES));
  return bytes;
}

function serviceRow(cluster: ClusterConfig, service: ServicePortConfig): Uint8Array {
  const isPlain = cluster.mode === 'l4/2' && cluster.dispatch === 'routed' && isIPv4(cluster.address);
  if (!isPlain) return digestRow(cluster, service);
  const row = new Uint8Array(SERVICE_BYTES);
  const view = new DataView(row.buffer);
  view.setUint32(0, ipv4Number(cluster.address));
  view.setUint16(4, service.port);
  view.setUint8(6, PROTOCOL_NUMBER[service.protocol]);
  return row;
}

/** Of what a member must have alike: where clients call, and where its answers come from and go to. */
function digestRow(cluster: ClusterConfig, service: ServicePortConfig): Uint8Array {
  const { port, targetPort = port, protocol } = service;
  const addresses = [cluster.address, cluster.gateway].map((each) => canonicalAddress(each) ?? '');
  const way = cluster.dispatch === 'routed' ? cluster.mode : `${cluster.mode} ${cluster.dispatch}`;
  const text = [way, ...addresses, port, targetPort, protocol].join(' ');
  const digest = createHash('sha256').update(text).digest().subarray(0, EXTENSION_DATA_BYTES);
  return Uint8Array.of(EXTENSION, DIGEST_KIND, ...digest);
}

/** The host's IPv6 address is wanted where packets are rewritten to it. */
function address6Rows({ address6 }: AnnouncedHost, clusters: readonly ClusterConfig[]): Uint8Array[] {
  const wanted = clusters.some(({ mode, address }) => mode === 'l4/3' && !isIPv4(address));
  const address = address6 === undefined || !wanted ? undefined : parseIpv6(address6);
  if (address === undefined) return [];
  return ADDRESS6_KINDS.map((kind, i) => {
    const row = new Uint8Array(SERVICE_BYTES);
    row.set([EXTENSION, kind]);
    row.set(address.subarray(i * EXTENSION_DATA_BYTES, (i + 1) * EXTENSION_DATA_BYTES), 2);
    return row;
  });
}

function* rowsOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = HOST_BYTES; at + SERVICE_BYTES <= bytes.length; at += SERVICE_BYTES) {
    yield bytes.subarray(at, at + SERVICE_BYTES);
  }
}

/** This node's services, to be compared with what members announce. */
export class OwnServices {
  private readonly rows: readonly { readonly name: string; readonly row: string }[];

  constructor(clusters: readonly ClusterConfig[]) {
    const rows = clusters.flatMap((cluster) =>
      cluster.ports.map((service) => ({
        name: serviceName(ipAddress(cluster.address), service.port, service.protocol),
        row: serviceRow(cluster, service).join(),
      })),
    );
    // Of more than fit nobody tells all.
    this.rows = rows.length > MAX_ROWS - ADDRESS6_KINDS.length ? [] : rows;
  }

  /**
   * Names of the services that a member does not have, by what it announces: it would answer their connections with a reset. It
   * is configured differently, or not yet. Too many to be announced are not judged.
   */
  lackedBy(theirs: Uint8Array): string[] {
    const offered = new Set([...rowsOf(theirs)].map((row) => row.join()));
    return this.rows.flatMap(({ name, row }) => (offered.has(row) ? [] : [name]));
  }

  /** Whether a member has at least one of them. */
  haveInCommon(theirs: Uint8Array): boolean {
    return this.rows.length === 0 || this.lackedBy(theirs).length < this.rows.length;
  }
}

/** The IPv4 address in front of announced services, unsigned; `undefined` when there is none. */
export function hostOfServices(services: Uint8Array): number | undefined {
  if (services.length < HOST_BYTES) return undefined;
  const host = new DataView(services.buffer, services.byteOffset).getUint32(0);
  return host === 0 ? undefined : host;
}

/** The 16 bytes of the host's IPv6 address; `undefined` when it has told none, or not all of it. */
export function address6OfServices(services: Uint8Array): Uint8Array | undefined {
  const address = new Uint8Array(IPV6_ADDRESS_BYTES);
  const missing = new Set(ADDRESS6_KINDS);
  for (const row of rowsOf(services)) {
    if (row[0] !== EXTENSION || !missing.delete(row[1])) continue;
    const at = (row[1] - ADDRESS6_KINDS[0]) * EXTENSION_DATA_BYTES;
    address.set(row.subarray(2, 2 + Math.min(EXTENSION_DATA_BYTES, IPV6_ADDRESS_BYTES - at)), at);
  }
  const told = missing.size === 0 && address.some((byte) => byte !== 0) && address[0] !== 0xff;
  return told ? address : undefined;
}
