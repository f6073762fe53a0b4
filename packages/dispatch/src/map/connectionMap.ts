import { IpProtocol } from 'libnetraw/wire';
import { AgeList } from './ageList.js';
import { ConnectionIndex } from './connectionIndex.js';
import type { ConnectionKey } from './connectionKey.js';
import {
  type AddressFamily,
  ConnectionState,
  FinBit,
  HOP_SHIFT,
  KEY_MASK,
  recordWordsOf,
  Word,
} from './connectionRecord.js';
import { type ConnectionTally, createTally } from './connectionTally.js';
import { halfSipHash3, halfSipHash6, mix32 } from './halfSipHash.js';
import { Counter } from '../counters.js';
import { completeTimeouts, type Timeouts } from './timeouts.js';

/** Beyond this the typed arrays would outgrow what an engine allocates. */
export const MAX_CONNECTIONS = 2 ** 24;

/** Taking one entry out costs about as much as looking at this many. */
const REMOVAL_SLOTS = 8;

/** Whether connections of a cluster, by its number, protocol and port can go on. */
export type GoesOn = (clusterIndex: number, protocol: number, port: number) => boolean;

/** What the map needs to know. */
export interface ConnectionMapOptions {
  /** Of the clients' addresses. Default 4. */
  family?: AddressFamily;
  /** Most connections; memory for all of them is reserved at once, and becomes real as they come. */
  capacity: number;
  /** Keys the hash. Whoever knows it can aim for collisions: take it from a good source of randomness. */
  seed: number;
  timeoutsMs?: Partial<Timeouts>;
  /** Receives the map's events; see `counters.ts`. */
  counters: Float64Array;
  /** Where to keep count; several maps may share it. Default: one of its own. */
  tally?: ConnectionTally;
}

/**
 * Which server each connection belongs to. Typed arrays only; no call allocates. A connection is named by its slot, which
 * stays the same as long as it lives. Every call is bounded, and `collect` does only as much as it is told.
 *
 * An IPv4 connection costs 36 bytes of record and 11.5 of index at the highest load: 47.5 of the 48 allowed. With an IPv6
 * address it is 59.5, of 96.
 *
 * ```
 *               SYN                    ACK                      FIN, RST
 *   (none) ------------> half-open ------------> established ------------> closing
 *                            \------------- FIN, RST ----------------------/   |
 *                             ^------------------------ SYN -------------------/
 * ```
 */
export class ConnectionMap {
  readonly capacity: number;
  /** 32-bit words of a record; see `connectionRecord.ts`. */
  readonly recordWords: number;
  /** Connections by state, cell 0 is all of them, and by server slot; of all maps that share the tally. */
  readonly tally: ConnectionTally;
  /** Slots from here on were never used. */
  highWater = 0;

  private readonly isWide: boolean;
  private readonly counts: Int32Array;
  private readonly serverConnections: Int32Array;
  private readonly hopConnections: Int32Array;
  private readonly records: Int32Array;
  private readonly index: ConnectionIndex;
  private readonly halfOpen: AgeList;
  private readonly closing: AgeList;
  private readonly counters: Float64Array;
  private readonly key0: number;
  private readonly key1: number;
  /** Longest idle time by state. */
  private readonly timeoutsMs: Int32Array;
  private readonly udpTimeoutMs: number;
  private readonly udpHalfOpenMs: number;
  private firstFree = -1;
  private cursor = 0;

  constructor(options: ConnectionMapOptions) {
    const { capacity, seed, family = 4, tally = createTally() } = options;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CONNECTIONS) {
      throw new RangeError(`a connection map has 1 to ${MAX_CONNECTIONS} entries, not ${capacity}`);
    }
    const timeouts = completeTimeouts(options.timeoutsMs);
    this.capacity = capacity;
    this.isWide = family === 6;
    this.recordWords = recordWordsOf(family);
    this.tally = tally;
    this.counts = tally.byState;
    this.serverConnections = tally.byServer;
    this.hopConnections = tally.byHop;
    this.records = new Int32Array(capacity * this.recordWords);
    this.index = new ConnectionIndex(capacity);
    this.halfOpen = new AgeList(this.records, this.recordWords);
    this.closing = new AgeList(this.records, this.recordWords);
    this.counters = options.counters;
    this.key0 = mix32(seed ^ 0x52494e47);
    this.key1 = mix32(Math.floor(seed / 2 ** 32) ^ this.key0);
    this.timeoutsMs = Int32Array.of(0, timeouts.halfOpenMs, timeouts.establishedMs, timeouts.closingMs);
    this.udpTimeoutMs = timeouts.udpMs;
    this.udpHalfOpenMs = timeouts.udpHalfOpenMs;
  }

  /** Bytes that grow with the capacity: records and index. */
  get byteLength(): number {
    return this.records.byteLength + this.index.byteLength;
  }

  /** The slot of a connection, or -1. */
  find(key: ConnectionKey): number {
    const { records, index, recordWords } = this;
    const { client0, ports, tag } = key;
    const hash = this.hashOf(key);
    for (let place = index.first(hash); place >= 0; place = index.next(hash, place)) {
      const slot = index.slotAt(place);
      const base = Math.imul(slot, recordWords);
      if (
        records[base + Word.ports] === ports &&
        (records[base + Word.tag] & KEY_MASK) === tag &&
        records[base + Word.client] === client0 &&
        (!this.isWide || this.restAgrees(base, key))
      ) {
        return slot;
      }
    }
    return -1;
  }

  /**
   * Enters a connection that is not there yet. When the map is full, the oldest half-open one makes room, else the oldest
   * closing one; -1 when all are established.
   */
  insert(key: ConnectionKey, server: number, state: ConnectionState, nowMs: number): number {
    const slot = this.allocate();
    if (slot < 0) return -1;
    if (!this.index.insert(this.hashOf(key), slot)) {
      this.free(slot);
      return -1;
    }
    const { records } = this;
    const base = Math.imul(slot, this.recordWords);
    records[base + Word.ports] = key.ports;
    records[base + Word.tag] = key.tag | (server << 8) | state;
    records[base + Word.client] = key.client0;
    if (this.isWide) {
      records[base + Word.client + 1] = key.client1;
      records[base + Word.client + 2] = key.client2;
      records[base + Word.client + 3] = key.client3;
    }
    this.clearTraffic(base, nowMs);
    this.counts[0]++;
    this.serverConnections[server]++;
    this.enterState(slot, state);
    return slot;
  }

  /** Notes a packet of `bytes` bytes. */
  touch(slot: number, bytes: number, nowMs: number): void {
    this.records[Math.imul(slot, this.recordWords) + Word.lastSeen] = nowMs | 0;
    this.count(slot, bytes);
  }

  /** Notes a packet of `bytes` bytes that keeps nothing alive. */
  count(slot: number, bytes: number): void {
    const { records } = this;
    const base = Math.imul(slot, this.recordWords);
    records[base + Word.packets]++;
    const low = (records[base + Word.bytesLow] >>> 0) + bytes;
    records[base + Word.bytesLow] = low | 0;
    if (low > 0xffffffff) records[base + Word.bytesHigh]++;
  }

  /** The state of a used slot. */
  stateOf(slot: number): ConnectionState {
    return (this.records[Math.imul(slot, this.recordWords) + Word.tag] & 0xff) as ConnectionState;
  }

  /** Packets of a used slot, modulo 2^32; 0 for one that is known from a report only. */
  packetsOf(slot: number): number {
    return this.records[Math.imul(slot, this.recordWords) + Word.packets] >>> 0;
  }

  /** When a used slot last saw a packet, in ms modulo 2^32; half-open UDP: when it saw its first. */
  lastSeenOf(slot: number): number {
    return this.records[Math.imul(slot, this.recordWords) + Word.lastSeen];
  }

  /** The server slot of a used slot. */
  serverOf(slot: number): number {
    return (this.records[Math.imul(slot, this.recordWords) + Word.tag] >>> 8) & 0xff;
  }

  /** The number of the next hop towards the client of a used slot, 0 when it is not known. */
  hopOf(slot: number): number {
    return this.records[Math.imul(slot, this.recordWords) + Word.bytesHigh] >>> HOP_SHIFT;
  }

  /** Notes the next hop towards the client, 1 to 255, or 0. */
  setHop(slot: number, hop: number): void {
    const at = Math.imul(slot, this.recordWords) + Word.bytesHigh;
    const before = this.records[at];
    this.hopConnections[before >>> HOP_SHIFT]--;
    this.hopConnections[hop]++;
    this.records[at] = (before & ((1 << HOP_SHIFT) - 1)) | (hop << HOP_SHIFT);
  }

  /** Notes that one side has sent its FIN; returns whether both have by now. */
  noteFin(slot: number, side: FinBit): boolean {
    const at = Math.imul(slot, this.recordWords) + Word.bytesHigh;
    const word = this.records[at] | side;
    this.records[at] = word;
    return (word & FinBit.client) !== 0 && (word & FinBit.server) !== 0;
  }

  /** Moves a connection to another state; it becomes the newest of it. */
  setState(slot: number, state: ConnectionState): void {
    this.leaveState(slot);
    const tag = Math.imul(slot, this.recordWords) + Word.tag;
    this.records[tag] = (this.records[tag] & ~0xff) | state;
    this.enterState(slot, state);
  }

  /** Gives a known tuple to a server as a connection that has just begun. */
  restart(slot: number, server: number, state: ConnectionState, nowMs: number): void {
    const base = Math.imul(slot, this.recordWords);
    this.serverConnections[this.serverOf(slot)]--;
    this.serverConnections[server]++;
    this.setHop(slot, 0);
    this.records[base + Word.tag] = (this.records[base + Word.tag] & ~0xff00) | (server << 8);
    this.clearTraffic(base, nowMs);
    this.setState(slot, state);
  }

  /** Takes a connection out. */
  remove(slot: number): void {
    this.index.remove(this.hashOfSlot(slot), slot);
    this.leaveState(slot);
    this.counts[0]--;
    this.serverConnections[this.serverOf(slot)]--;
    this.setHop(slot, 0);
    this.free(slot);
  }

  /**
   * Garbage collection, a piece at a time: looks at up to `budgetSlots` slots from where it last stopped, stops at the end
   * of the used ones, and takes out what was idle for too long. Returns how many. Taking out counts as eight slots, so
   * that the time of a call follows from its budget: 8,192 stay below a millisecond.
   */
  collect(nowMs: number, budgetSlots: number): number {
    let removed = 0;
    for (let spent = 0; spent < budgetSlots; spent++) {
      if (this.cursor >= this.highWater) {
        this.cursor = 0;
        break;
      }
      const slot = this.cursor++;
      if (!this.isExpired(slot, nowMs)) continue;
      this.remove(slot);
      removed++;
      spent += REMOVAL_SLOTS - 1;
    }
    this.counters[Counter.expired] += removed;
    return removed;
  }

  /**
   * Takes out the connections of which `goesOn` says no, a piece at a time: looks at up to `budgetSlots` slots from `from` on,
   * counted as `collect` counts. Returns where to go on, or -1 at the end.
   */
  forget(goesOn: GoesOn, from: number, budgetSlots: number): number {
    let slot = from;
    for (let spent = 0; spent < budgetSlots; spent++, slot++) {
      if (slot >= this.highWater) return -1;
      const base = Math.imul(slot, this.recordWords);
      const tag = this.records[base + Word.tag];
      if ((tag & 0xff) === 0) continue;
      if (goesOn(tag >>> 24, (tag >>> 16) & 0xff, this.records[base + Word.ports] & 0xffff)) continue;
      this.remove(slot);
      spent += REMOVAL_SLOTS - 1;
    }
    return slot;
  }

  /** The words of a slot, read-only, from the returned index on; state 0 in a free one. */
  get words(): Int32Array {
    return this.records;
  }

  private isExpired(slot: number, nowMs: number): boolean {
    const base = Math.imul(slot, this.recordWords);
    const tag = this.records[base + Word.tag];
    const state = tag & 0xff;
    if (state === 0) return false;
    const idleMs = ((nowMs | 0) - this.records[base + Word.lastSeen]) | 0;
    if (((tag >>> 16) & 0xff) !== IpProtocol.udp) return idleMs > this.timeoutsMs[state];
    return idleMs > (state === ConnectionState.halfOpen ? this.udpHalfOpenMs : this.udpTimeoutMs);
  }

  private hashOf(key: ConnectionKey): number {
    const { client0, ports, tag } = key;
    if (!this.isWide) return halfSipHash3(this.key0, this.key1, client0, ports, tag);
    const { client1, client2, client3 } = key;
    return halfSipHash6(this.key0, this.key1, client0, client1, client2, client3, ports, tag);
  }

  private hashOfSlot(slot: number): number {
    const { records, key0, key1 } = this;
    const base = Math.imul(slot, this.recordWords);
    const at = base + Word.client;
    const ports = records[base + Word.ports];
    const tag = records[base + Word.tag] & KEY_MASK;
    if (!this.isWide) return halfSipHash3(key0, key1, records[at], ports, tag);
    const word1 = records[at + 1];
    const word2 = records[at + 2];
    return halfSipHash6(key0, key1, records[at], word1, word2, records[at + 3], ports, tag);
  }

  /** Whether the words of a client's IPv6 address behind the first are those of the record at `base`. */
  private restAgrees(base: number, key: ConnectionKey): boolean {
    const { records } = this;
    const at = base + Word.client;
    return (
      records[at + 3] === key.client3 && records[at + 2] === key.client2 && records[at + 1] === key.client1
    );
  }

  private allocate(): number {
    if (this.firstFree >= 0) {
      const slot = this.firstFree;
      this.firstFree = this.records[Math.imul(slot, this.recordWords) + Word.newer];
      return slot;
    }
    if (this.highWater < this.capacity) return this.highWater++;
    return this.evict() ? this.allocate() : -1;
  }

  private evict(): boolean {
    if (this.halfOpen.oldest >= 0) {
      this.counters[Counter.evictedHalfOpen]++;
      this.remove(this.halfOpen.oldest);
      return true;
    }
    if (this.closing.oldest >= 0) {
      this.counters[Counter.evictedClosing]++;
      this.remove(this.closing.oldest);
      return true;
    }
    return false;
  }

  private free(slot: number): void {
    const base = Math.imul(slot, this.recordWords);
    this.records[base + Word.tag] = 0;
    this.records[base + Word.newer] = this.firstFree;
    this.firstFree = slot;
  }

  private clearTraffic(base: number, nowMs: number): void {
    this.records[base + Word.lastSeen] = nowMs | 0;
    this.records[base + Word.packets] = 0;
    this.records[base + Word.bytesLow] = 0;
    this.records[base + Word.bytesHigh] = 0;
  }

  private enterState(slot: number, state: ConnectionState): void {
    this.counts[state]++;
    if (state === ConnectionState.halfOpen) this.halfOpen.append(slot);
    else if (state === ConnectionState.closing) this.closing.append(slot);
  }

  private leaveState(slot: number): void {
    const state = this.stateOf(slot);
    this.counts[state]--;
    if (state === ConnectionState.halfOpen) this.halfOpen.remove(slot);
    else if (state === ConnectionState.closing) this.closing.remove(slot);
  }
}
