import { IpProtocol } from 'libnetraw/wire';
import { AgeList } from './ageList.js';
import { ConnectionIndex } from './connectionIndex.js';
import { ConnectionState, KEY_MASK, RECORD_WORDS, Word } from './connectionRecord.js';
import { Counter } from './counters.js';
import { halfSipHash3, mix32 } from './halfSipHash.js';
import { MAX_SERVERS } from './servers.js';
import { completeTimeouts, type Timeouts } from './timeouts.js';

/** Beyond this the typed arrays would outgrow what an engine allocates. */
export const MAX_CONNECTIONS = 2 ** 24;

/** Taking one entry out costs about as much as looking at this many. */
const REMOVAL_SLOTS = 8;

/** What the map needs to know. */
export interface ConnectionMapOptions {
  /** Most connections; memory for all of them is reserved at once, and becomes real as they come. */
  capacity: number;
  /** Keys the hash. Whoever knows it can aim for collisions: take it from a good source of randomness. */
  seed: number;
  timeoutsMs?: Partial<Timeouts>;
  /** Receives the map's events; see `counters.ts`. */
  counters: Float64Array;
}

/**
 * Which server each connection belongs to. Typed arrays only; no call allocates. A connection is named by its slot, which
 * stays the same as long as it lives. Every call is bounded, and `collect` does only as much as it is told.
 *
 * An IPv4 connection costs 36 bytes of record and 11.5 of index at the highest load: 47.5 of the 48 allowed.
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
  /** Connections by state; cell 0 is all of them. */
  readonly counts = new Int32Array(4);
  /** Connections by server slot. */
  readonly serverConnections = new Int32Array(MAX_SERVERS + 1);
  /** Slots from here on were never used. */
  highWater = 0;

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
  private firstFree = -1;
  private cursor = 0;

  constructor(options: ConnectionMapOptions) {
    const { capacity, seed } = options;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CONNECTIONS) {
      throw new RangeError(`a connection map has 1 to ${MAX_CONNECTIONS} entries, not ${capacity}`);
    }
    const timeouts = completeTimeouts(options.timeoutsMs);
    this.capacity = capacity;
    this.records = new Int32Array(capacity * RECORD_WORDS);
    this.index = new ConnectionIndex(capacity);
    this.halfOpen = new AgeList(this.records);
    this.closing = new AgeList(this.records);
    this.counters = options.counters;
    this.key0 = mix32(seed ^ 0x52494e47);
    this.key1 = mix32(Math.floor(seed / 2 ** 32) ^ this.key0);
    this.timeoutsMs = Int32Array.of(0, timeouts.halfOpenMs, timeouts.establishedMs, timeouts.closingMs);
    this.udpTimeoutMs = timeouts.udpMs;
  }

  /** Bytes that grow with the capacity: records and index. */
  get byteLength(): number {
    return this.records.byteLength + this.index.byteLength;
  }

  /** The slot of a connection, or -1. The three words are the key; see `connectionRecord.ts`. */
  find(client: number, ports: number, tag: number): number {
    const { records, index } = this;
    const hash = halfSipHash3(this.key0, this.key1, client, ports, tag);
    for (let place = index.first(hash); place >= 0; place = index.next(hash, place)) {
      const slot = index.slotAt(place);
      const base = slot * RECORD_WORDS;
      if (
        records[base] === client &&
        records[base + Word.ports] === ports &&
        (records[base + Word.tag] & KEY_MASK) === tag
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
  insert(
    client: number,
    ports: number,
    tag: number,
    server: number,
    state: ConnectionState,
    nowMs: number,
  ): number {
    const slot = this.allocate();
    if (slot < 0) return -1;
    const hash = halfSipHash3(this.key0, this.key1, client, ports, tag);
    if (!this.index.insert(hash, slot)) {
      this.free(slot);
      return -1;
    }
    const { records } = this;
    const base = slot * RECORD_WORDS;
    records[base] = client;
    records[base + Word.ports] = ports;
    records[base + Word.tag] = tag | (server << 8) | state;
    this.clearTraffic(base, nowMs);
    this.counts[0]++;
    this.serverConnections[server]++;
    this.enterState(slot, state);
    return slot;
  }

  /** Notes a packet of `bytes` bytes. */
  touch(slot: number, bytes: number, nowMs: number): void {
    const { records } = this;
    const base = slot * RECORD_WORDS;
    records[base + Word.lastSeen] = nowMs | 0;
    records[base + Word.packets]++;
    const low = (records[base + Word.bytesLow] >>> 0) + bytes;
    records[base + Word.bytesLow] = low | 0;
    if (low > 0xffffffff) records[base + Word.bytesHigh]++;
  }

  /** The state of a used slot. */
  stateOf(slot: number): ConnectionState {
    return (this.records[slot * RECORD_WORDS + Word.tag] & 0xff) as ConnectionState;
  }

  /** Packets of a used slot, modulo 2^32; 0 for one that is known from a report only. */
  packetsOf(slot: number): number {
    return this.records[slot * RECORD_WORDS + Word.packets] >>> 0;
  }

  /** The server slot of a used slot. */
  serverOf(slot: number): number {
    return (this.records[slot * RECORD_WORDS + Word.tag] >>> 8) & 0xff;
  }

  /** Moves a connection to another state; it becomes the newest of it. */
  setState(slot: number, state: ConnectionState): void {
    this.leaveState(slot);
    const tag = slot * RECORD_WORDS + Word.tag;
    this.records[tag] = (this.records[tag] & ~0xff) | state;
    this.enterState(slot, state);
  }

  /** Gives a known tuple to a server as a connection that has just begun. */
  restart(slot: number, server: number, state: ConnectionState, nowMs: number): void {
    const base = slot * RECORD_WORDS;
    this.serverConnections[this.serverOf(slot)]--;
    this.serverConnections[server]++;
    this.records[base + Word.tag] = (this.records[base + Word.tag] & ~0xff00) | (server << 8);
    this.clearTraffic(base, nowMs);
    this.setState(slot, state);
  }

  /** Takes a connection out. */
  remove(slot: number): void {
    const { records } = this;
    const base = slot * RECORD_WORDS;
    const tag = records[base + Word.tag] & KEY_MASK;
    const hash = halfSipHash3(this.key0, this.key1, records[base], records[base + Word.ports], tag);
    this.index.remove(hash, slot);
    this.leaveState(slot);
    this.counts[0]--;
    this.serverConnections[this.serverOf(slot)]--;
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

  /** The words of a slot, read-only, from the returned index on; state 0 in a free one. */
  get words(): Int32Array {
    return this.records;
  }

  private isExpired(slot: number, nowMs: number): boolean {
    const base = slot * RECORD_WORDS;
    const tag = this.records[base + Word.tag];
    const state = tag & 0xff;
    if (state === 0) return false;
    const idleMs = ((nowMs | 0) - this.records[base + Word.lastSeen]) | 0;
    const udp = ((tag >>> 16) & 0xff) === IpProtocol.udp;
    return idleMs > (udp ? this.udpTimeoutMs : this.timeoutsMs[state]);
  }

  private allocate(): number {
    if (this.firstFree >= 0) {
      const slot = this.firstFree;
      this.firstFree = this.records[slot * RECORD_WORDS + Word.newer];
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
    const base = slot * RECORD_WORDS;
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
