import { COUNTER_CELLS } from '../counters.js';
import { type Flow, FlowKind } from '../flow/flow.js';
import { ConnectionMap } from '../map/connectionMap.js';
import { ConnectionState } from '../map/connectionRecord.js';
import type { ServerTable } from '../servers.js';
import { DropReason } from '../verdicts.js';
import { ByteRanges, RangeResult } from './byteRanges.js';

/** Packets whose fragments are under way at a time. */
export const FRAGMENT_PACKETS = 1024;
/** For how long the parts of a packet may come after its first one; Linux reassembles for as long. */
export const FRAGMENT_LIFE_MS = 30_000;
/** For how long a part that has overtaken the first one waits for it. */
export const FRAGMENT_WAIT_MS = 1000;

/** The states of an entry, in the words of the map that keeps them: those that wait make room first, then the oldest. */
const WAITING = ConnectionState.halfOpen;
const DECIDED = ConnectionState.closing;

/** How an entry was decided. */
const Fate = { forwarded: 0, refused: 1, overlapping: 2 } as const;

/**
 * To which server the later fragments of a packet go: where its first one went. A fragment that has bytes which another
 * one had already is refused, and if it is not a mere duplicate so is the rest of its packet (RFC 5722; in IPv4 the same
 * trick, RFC 1858): no server gets to see two versions.
 *
 * Bounded in number and time. It is a connection map with a few columns more, whose keys have the identification in the
 * place of the ports.
 */
export class FragmentTable {
  /** After `admit` of a later fragment has returned `none`: the slot of the server. */
  server = -1;
  /** After the same: what else `decide` was told of the way. */
  way = 0;
  /** After `admit` has returned `fragment`: whether the first one may still come. */
  mayWait = false;

  private readonly map: ConnectionMap;
  private readonly servers: ServerTable;
  private readonly ranges = new ByteRanges(FRAGMENT_PACKETS);
  /** By slot: see {@link Fate}. */
  private readonly fates = new Uint8Array(FRAGMENT_PACKETS);
  /** By slot: the server's name, for its slot may come to be another's. */
  private readonly owners = new Uint32Array(FRAGMENT_PACKETS);
  /** By slot: what is known of the way beside the server. */
  private readonly ways = new Uint16Array(FRAGMENT_PACKETS);
  /** By slot: where the packet ends; 0 while its last part has not come. */
  private readonly ends = new Uint16Array(FRAGMENT_PACKETS);

  constructor(servers: ServerTable, seed: number) {
    this.servers = servers;
    this.map = new ConnectionMap({
      capacity: FRAGMENT_PACKETS,
      family: 6,
      seed,
      counters: new Float64Array(COUNTER_CELLS),
      timeoutsMs: { halfOpenMs: FRAGMENT_WAIT_MS, closingMs: FRAGMENT_LIFE_MS },
    });
  }

  /** Packets under way. */
  get size(): number {
    return this.map.tally.byState[0];
  }

  /**
   * Looks at a fragment: `none` for a later one whose way is known, and for a first one that is to be decided; else why it
   * is dropped, or with `mayWait` must wait.
   */
  admit(flow: Flow, nowMs: number): DropReason {
    const slot = this.find(flow, nowMs);
    const isLater = flow.kind === FlowKind.laterFragment;
    if (slot < 0 || this.map.stateOf(slot) === WAITING) {
      this.mayWait = isLater;
      return isLater ? DropReason.fragment : DropReason.none;
    }
    this.mayWait = false;
    if (this.fates[slot] === Fate.refused) return DropReason.fragment;
    if (this.fates[slot] === Fate.overlapping) return DropReason.fragmentOverlap;
    const server = this.map.serverOf(slot);
    if (this.servers.addresses[server] !== this.owners[slot]) return DropReason.fragment;
    this.server = server;
    this.way = this.ways[slot];
    return this.addRange(slot, flow);
  }

  /** Whether fragments of this packet are known to wait. */
  isWaiting(flow: Flow, nowMs: number): boolean {
    return this.find(flow, nowMs) >= 0;
  }

  /**
   * Notes that a fragment of this packet, which is not decided, waits; false when there is no room. It makes none: anybody
   * can invent such fragments.
   */
  noteWaiting(flow: Flow, nowMs: number): boolean {
    if (this.find(flow, nowMs) >= 0) return true;
    const { byState } = this.map.tally;
    if (this.size >= FRAGMENT_PACKETS && byState[WAITING] === 0) return false;
    return this.insert(flow, 0, WAITING, nowMs) >= 0;
  }

  /** Notes where a first fragment went, -1 for nowhere. Returns whether others were waiting for it. */
  decide(flow: Flow, server: number, way: number, nowMs: number): boolean {
    const { map } = this;
    const known = this.find(flow, nowMs);
    const slot = known >= 0 ? known : this.insert(flow, Math.max(server, 0), DECIDED, nowMs);
    if (slot < 0) return false;
    const hadWaiting = known >= 0 && map.stateOf(known) === WAITING;
    if (hadWaiting) map.restart(slot, Math.max(server, 0), DECIDED, nowMs);
    this.fates[slot] = server < 0 ? Fate.refused : Fate.forwarded;
    this.ways[slot] = way;
    this.owners[slot] = server < 0 ? 0 : this.servers.addresses[server];
    if (server >= 0) this.addRange(slot, flow);
    return hadWaiting;
  }

  /** Takes out what is too old, a piece at a time; see `ConnectionMap.collect`. */
  collect(nowMs: number, budgetSlots: number): void {
    this.map.collect(nowMs, budgetSlots);
  }

  /** The slot of a packet that is not too old, or -1. */
  private find(flow: Flow, nowMs: number): number {
    const { map } = this;
    const slot = map.find(flow.fragmentKey);
    if (slot < 0) return -1;
    const lifeMs = map.stateOf(slot) === WAITING ? FRAGMENT_WAIT_MS : FRAGMENT_LIFE_MS;
    if (((nowMs - map.lastSeenOf(slot)) | 0) <= lifeMs) return slot;
    map.remove(slot);
    return -1;
  }

  private insert(flow: Flow, server: number, state: ConnectionState, nowMs: number): number {
    const slot = this.map.insert(flow.fragmentKey, server, state, nowMs);
    if (slot < 0) return -1;
    this.ranges.clear(slot);
    this.fates[slot] = Fate.forwarded;
    this.ends[slot] = 0;
    return slot;
  }

  /** Notes the bytes of a fragment; forgets the packet when it is whole. */
  private addRange(slot: number, flow: Flow): DropReason {
    const { fragmentStart: start, fragmentEnd: end } = flow;
    const result = this.contradicts(slot, flow) ? RangeResult.overlap : this.ranges.add(slot, start, end);
    if (result === RangeResult.duplicate) return DropReason.fragmentOverlap;
    if (result !== RangeResult.added) {
      this.fates[slot] = Fate.overlapping;
      return result === RangeResult.tooMany ? DropReason.badFragment : DropReason.fragmentOverlap;
    }
    if (flow.isLastFragment) this.ends[slot] = end;
    if (this.ends[slot] !== 0 && this.ranges.isWhole(slot, this.ends[slot])) this.map.remove(slot);
    return DropReason.none;
  }

  /** Whether the packet ended elsewhere, or would end before what has come of it. */
  private contradicts(slot: number, flow: Flow): boolean {
    const known = this.ends[slot];
    const { fragmentEnd: end, isLastFragment } = flow;
    if (known !== 0 && (isLastFragment ? end !== known : end >= known)) return true;
    return isLastFragment && known === 0 && this.ranges.reachesBeyond(slot, end - 1);
  }
}
