import { type IpAddress, IPV6_ADDRESS_BYTES, writeU32 } from 'libnetraw/wire';
import { type ConnectionMap, MAX_CONNECTIONS } from './map/connectionMap.js';
import type { ConnectionMaps } from './map/connectionMaps.js';
import { BYTES_HIGH_MASK, type ConnectionState, Word } from './map/connectionRecord.js';
import type { Cluster } from './cluster.js';
import type { ServerTable } from './servers.js';
import type { ServiceTree } from './serviceTree.js';

/** Slots that one call looks at: below a millisecond, however empty the map. */
const SCAN_SLOTS = 65_536;

/** A connection, as `ringmaster connections` shows it. */
export interface ConnectionRow {
  clientAddress: IpAddress;
  clientPort: number;
  clusterAddress: IpAddress;
  port: number;
  /** 6 TCP, 17 UDP. */
  protocol: number;
  /** The server's name, an unsigned IPv4 address. */
  serverAddress: number;
  state: 'half-open' | 'established' | 'closing';
  idleMs: number;
  /** Seen from the client, in L4/3 from the server too, since this node knows the connection. */
  packets: number;
  /** Frame bytes of those packets. */
  bytes: number;
}

const stateNames = { 1: 'half-open', 2: 'established', 3: 'closing' } as const;

/** What rows are made from. */
export interface SnapshotParts {
  maps: ConnectionMaps;
  tree: ServiceTree;
  servers: ServerTable;
}

/**
 * Shows up to `limit` connections from place `from` on, IPv4 first. Returns the place to go on from, or -1 at the end; a
 * call may stop short of its limit, so that it never holds up packets for long.
 */
export function visitConnections(
  parts: SnapshotParts,
  nowMs: number,
  limit: number,
  from: number,
  visit: (row: ConnectionRow) => void,
): number {
  const { ipv4, ipv6 } = parts.maps;
  let shown = 0;
  let budget = SCAN_SLOTS;
  // Places of the second map are counted on from where the first one can at most end.
  for (let place = from; ; place++) {
    const isSecond = place >= MAX_CONNECTIONS;
    const map = isSecond ? ipv6 : ipv4;
    const slot = isSecond ? place - MAX_CONNECTIONS : place;
    if (slot >= map.highWater) {
      if (isSecond || ipv6 === ipv4) return -1;
      place = MAX_CONNECTIONS - 1;
      continue;
    }
    if (budget-- === 0) return place;
    const tag = map.words[slot * map.recordWords + Word.tag];
    if ((tag & 0xff) === 0 || parts.tree.clusterNumbered(tag >>> 24) === undefined) continue;
    if (shown === limit) return place;
    visit(rowOf(map, parts, nowMs, slot));
    shown++;
  }
}

/** The connection in a used slot, of a cluster that is still there. */
export function rowOf(
  map: ConnectionMap,
  { tree, servers }: Pick<SnapshotParts, 'tree' | 'servers'>,
  nowMs: number,
  slot: number,
): ConnectionRow {
  const base = slot * map.recordWords;
  const word = (at: number): number => map.words[base + at];
  const tag = word(Word.tag);
  const cluster = tree.clusterNumbered(tag >>> 24) as Cluster;
  return {
    clientAddress:
      cluster.family === 4 ? word(Word.client) >>> 0 : addressOfWords(map.words, base + Word.client),
    clientPort: word(Word.ports) >>> 16,
    clusterAddress: cluster.address,
    port: word(Word.ports) & 0xffff,
    protocol: (tag >>> 16) & 0xff,
    serverAddress: servers.addresses[(tag >>> 8) & 0xff],
    state: stateNames[(tag & 0xff) as ConnectionState],
    idleMs: Math.max(0, ((nowMs | 0) - word(Word.lastSeen)) | 0),
    packets: word(Word.packets) >>> 0,
    bytes: (word(Word.bytesHigh) & BYTES_HIGH_MASK) * 2 ** 32 + (word(Word.bytesLow) >>> 0),
  };
}

/** The IPv6 address that stands in four words from `at` on. */
export function addressOfWords(words: ArrayLike<number>, at: number): Uint8Array {
  const address = new Uint8Array(IPV6_ADDRESS_BYTES);
  for (let n = 0; n < 4; n++) writeU32(address, 4 * n, words[at + n]);
  return address;
}
