import type { IpAddress } from 'libnetraw/wire';
import { type ConnectionState, RECORD_WORDS, Word } from './connectionRecord.js';
import type { ConnectionMap } from './connectionMap.js';
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
  /** Seen from the client since this node knows the connection. */
  packets: number;
  /** Frame bytes of those packets. */
  bytes: number;
}

const stateNames = { 1: 'half-open', 2: 'established', 3: 'closing' } as const;

/**
 * Shows up to `limit` connections from slot `from` on. Returns the slot to go on from, or -1 at the end; a call may stop
 * short of its limit, so that it never holds up packets for long.
 */
export function visitConnections(
  map: ConnectionMap,
  tree: ServiceTree,
  servers: ServerTable,
  nowMs: number,
  limit: number,
  from: number,
  visit: (row: ConnectionRow) => void,
): number {
  const end = Math.min(map.highWater, from + SCAN_SLOTS);
  let shown = 0;
  for (let slot = from; slot < end; slot++) {
    if ((map.words[slot * RECORD_WORDS + Word.tag] & 0xff) === 0) continue;
    if (shown === limit) return slot;
    visit(rowOf(map, tree, servers, nowMs, slot));
    shown++;
  }
  return end < map.highWater ? end : -1;
}

function rowOf(
  map: ConnectionMap,
  tree: ServiceTree,
  servers: ServerTable,
  nowMs: number,
  slot: number,
): ConnectionRow {
  const word = (at: number): number => map.words[slot * RECORD_WORDS + at];
  const tag = word(Word.tag);
  return {
    clientAddress: word(Word.client) >>> 0,
    clientPort: word(Word.ports) >>> 16,
    clusterAddress: tree.clusters[tag >>> 24].address,
    port: word(Word.ports) & 0xffff,
    protocol: (tag >>> 16) & 0xff,
    serverAddress: servers.addresses[(tag >>> 8) & 0xff],
    state: stateNames[(tag & 0xff) as ConnectionState],
    idleMs: Math.max(0, ((nowMs | 0) - word(Word.lastSeen)) | 0),
    packets: word(Word.packets) >>> 0,
    bytes: (word(Word.bytesHigh) >>> 0) * 2 ** 32 + (word(Word.bytesLow) >>> 0),
  };
}
