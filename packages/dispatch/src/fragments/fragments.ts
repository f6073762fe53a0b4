import type { Flow } from '../flow/flow.js';
import { HoldBuffer } from '../holdBuffer.js';
import type { ServerTable } from '../servers.js';
import type { DropReason } from '../verdicts.js';
import { FRAGMENT_WAIT_MS, FragmentTable } from './fragmentTable.js';

/** Most bytes of fragments that wait for their first one; twice that is allocated, and only once one waits. */
const WAITING_BYTES = 128 * 1024;
/** Pieces of garbage collection a call. */
const COLLECT_SLOTS = 128;

/**
 * Fragmented packets: which server their parts go to, and the parts that have overtaken their first one. Most dispatchers
 * never see any, so memory is taken with the first.
 */
export class Fragments {
  /** Whether waiting frames are to be looked at again, because their first one has come or is overdue. */
  isReady = false;

  private readonly servers: ServerTable;
  private readonly seed: number;
  private readonly headroomBytes: number;
  private knownTable: FragmentTable | undefined;
  private waiting: HoldBuffer | undefined;
  private waitingSinceMs = 0;
  private releasing = false;

  constructor(servers: ServerTable, seed: number, headroomBytes: number) {
    this.servers = servers;
    this.seed = seed;
    this.headroomBytes = headroomBytes;
  }

  /** The slot of the server that the last admitted later fragment goes to. */
  get server(): number {
    return this.table.server;
  }

  /** What `decide` was told of its way beside. */
  get way(): number {
    return this.table.way;
  }

  /** See `FragmentTable.admit`. */
  admit(flow: Flow, nowMs: number): DropReason {
    return this.table.admit(flow, nowMs);
  }

  /**
   * Notes where a first fragment went, or that of a server came from, -1 for nowhere, so that the later ones follow.
   * @param way 16 bits to be told again with each of them
   */
  decide(flow: Flow, server: number, way: number, nowMs: number): void {
    if (this.table.decide(flow, server, way, nowMs)) this.isReady = true;
  }

  /** Keeps a later fragment that was not admitted until its first one comes; false when it cannot. */
  wait(memory: Uint8Array, offset: number, length: number, flow: Flow, nowMs: number): boolean {
    const { table } = this;
    // What was waiting already and is no longer known has waited for too long.
    if (!table.mayWait || (this.releasing && !table.isWaiting(flow, nowMs))) return false;
    this.waiting ??= new HoldBuffer(WAITING_BYTES, this.headroomBytes);
    const wasEmpty = this.waiting.count === 0;
    if (!table.noteWaiting(flow, nowMs) || !this.waiting.offer(memory, offset, length)) return false;
    if (wasEmpty) this.waitingSinceMs = nowMs;
    return true;
  }

  /** Hands out what waits, as `HoldBuffer.take` does; what is still too early may be kept again. */
  take(visit: (memory: Uint8Array, offset: number, length: number) => void): number {
    this.isReady = false;
    if (this.waiting === undefined) return 0;
    this.releasing = true;
    const taken = this.waiting.take(visit);
    this.releasing = false;
    return taken;
  }

  /** Upkeep: forgets what is too old, and lets go what has waited for too long. */
  collect(nowMs: number): void {
    this.knownTable?.collect(nowMs, COLLECT_SLOTS);
    if (this.waiting === undefined || this.waiting.count === 0) return;
    if (((nowMs - this.waitingSinceMs) | 0) > FRAGMENT_WAIT_MS) this.isReady = true;
  }

  private get table(): FragmentTable {
    this.knownTable ??= new FragmentTable(this.servers, this.seed);
    return this.knownTable;
  }
}
