import { fanoutHash4, fanoutHash6 } from 'libnetraw';
import { IPV6_ADDRESS_BYTES } from 'libnetraw/wire';
import type { ClusterConfig } from '@ringmaster/dispatch';
import { gatewayMacsOf } from './tap.js';
import type { ConnectionList } from './types.js';

/** Leading bits of a client's address that decide which worker has it. */
export interface ClientPrefixes {
  readonly prefix4: number;
  readonly prefix6: number;
}

/** Whole addresses, unless a service keeps whole networks of clients together: they must then share a worker. */
export function clientPrefixes(clusters: readonly ClusterConfig[]): ClientPrefixes {
  const affinities = clusters.flatMap(({ ports }) => ports.flatMap(({ affinity }) => affinity ?? []));
  return {
    prefix4: Math.min(32, ...affinities.map(({ prefix4 }) => prefix4)),
    prefix6: Math.min(128, ...affinities.map(({ prefix6 }) => prefix6)),
  };
}

/**
 * Why a data plane cannot change from one set of clusters to another while it runs, as the end of a sentence; `undefined` when
 * it can.
 */
export function obstacleToClusters(
  before: readonly ClusterConfig[],
  after: readonly ClusterConfig[],
  workers: number,
): string | undefined {
  const families = (clusters: readonly ClusterConfig[]): Set<string> =>
    new Set(clusters.map(({ address }) => (typeof address === 'number' ? 'IPv4' : 'IPv6')));
  const strange = [...families(after)].find((family) => !families(before).has(family));
  if (strange !== undefined) return `memory for ${strange} connections is reserved at the start`;
  if (workers === 1) return undefined;
  const shares = (clusters: readonly ClusterConfig[]): string =>
    JSON.stringify([clientPrefixes(clusters), gatewayMacsOf(clusters).map(String).sort()]);
  if (shares(before) === shares(after)) return undefined;
  return 'with several workers the networks of clients and the gateways say who has which packets';
}

/**
 * A server's connections by the worker that sees their packets: the same hash that the kernel fans frames out by. Copies;
 * the columns of the result have exactly `count` rows. Workers without any have an empty list.
 */
export function partition(list: ConnectionList, workers: number, prefixes: ClientPrefixes): ConnectionList[] {
  const { count } = list;
  const owners = new Uint8Array(count);
  const counts = new Uint32Array(workers);
  for (let row = 0; row < count; row++) {
    owners[row] = workers === 1 ? 0 : hashOf(list, row, prefixes) % workers;
    counts[owners[row]] += 1;
  }
  const parts = Array.from(counts, (size) => emptyList(list.family, size));
  const filled = new Uint32Array(workers);
  for (let row = 0; row < count; row++) {
    const owner = owners[row];
    copyRow(list, row, parts[owner], filled[owner]++);
  }
  return parts;
}

function hashOf(list: ConnectionList, row: number, { prefix4, prefix6 }: ClientPrefixes): number {
  return list.family === 4
    ? fanoutHash4(list.clientAddress[row], prefix4)
    : fanoutHash6(list.clientAddress, row * IPV6_ADDRESS_BYTES, prefix6);
}

function emptyList(family: 4 | 6, count: number): ConnectionList {
  const columns = {
    count,
    localPort: new Uint16Array(count),
    clientPort: new Uint16Array(count),
    state: new Uint8Array(count),
  };
  if (family === 4) {
    return {
      ...columns,
      family,
      localAddress: new Uint32Array(count),
      clientAddress: new Uint32Array(count),
    };
  }
  const bytes = count * IPV6_ADDRESS_BYTES;
  return { ...columns, family, localAddress: new Uint8Array(bytes), clientAddress: new Uint8Array(bytes) };
}

function copyRow(from: ConnectionList, row: number, to: ConnectionList, at: number): void {
  to.localPort[at] = from.localPort[row];
  to.clientPort[at] = from.clientPort[row];
  to.state[at] = from.state[row];
  const cells = from.family === 4 ? 1 : IPV6_ADDRESS_BYTES;
  for (let i = 0; i < cells; i++) {
    to.localAddress[at * cells + i] = from.localAddress[row * cells + i];
    to.clientAddress[at * cells + i] = from.clientAddress[row * cells + i];
  }
}
