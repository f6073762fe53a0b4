import { FrameSender, NativeMemory, VNET_HEADER_BYTES, type SenderCounters } from 'libnetraw';
import type { Side } from './tap.js';

/** Frames that do not lie in the ring: answers and released ones. Several super-frames fit. */
const SCRATCH_BYTES = 1024 * 1024;
/** Keeps copied frames aligned as in the ring: 10 + 14 + 8 = 32, so the IP header stands at a multiple of 4. */
const ALIGNMENT = 16;
const ALIGNED_START = ALIGNMENT - VNET_HEADER_BYTES;
/** Frames per system call, and per turn of the worker. */
export const BATCH_FRAMES = 64;

/** What became of the frames of each way. Without an interface of their own for clients, `outer` is undefined. */
export interface WayCounters {
  readonly inner: SenderCounters;
  readonly outer: SenderCounters | undefined;
  readonly loopback: SenderCounters;
}

/**
 * Frames on their way out: through the interface on the servers' side, through the one on the clients' side (which may be
 * the same), or to this host itself over `lo`. A frame is named by where it lies in native memory, with its offload header
 * directly before it; nothing is copied, and nothing leaves before `flush`.
 */
export class Outbox {
  /** For frames that lie nowhere yet; see {@link place}. */
  readonly scratch = NativeMemory.allocate(SCRATCH_BYTES);
  readonly counters: WayCounters;
  readonly #inner: FrameSender;
  readonly #outer: FrameSender;
  readonly #loopback: FrameSender;
  /** Each once. */
  readonly #senders: readonly FrameSender[];
  #used = 0;

  /** Throws `SystemError`: `EPERM`, `ENODEV`. */
  constructor(inside: string, outside: string | undefined) {
    const senders: FrameSender[] = [];
    const open = (name: string): FrameSender => {
      const sender = FrameSender.open({ interface: name, batch: BATCH_FRAMES });
      senders.push(sender);
      return sender;
    };
    try {
      this.#inner = open(inside);
      this.#loopback = open('lo');
      this.#outer = outside === undefined ? this.#inner : open(outside);
    } catch (error) {
      for (const sender of senders) sender.close();
      throw error;
    }
    this.#senders = senders;
    this.counters = {
      inner: this.#inner.counters,
      outer: outside === undefined ? undefined : this.#outer.counters,
      loopback: this.#loopback.counters,
    };
  }

  /** Frames the kernel did not take. */
  get failed(): number {
    let sum = 0;
    for (const { counters } of this.#senders) sum += failures(counters);
    return sum;
  }

  /** Towards the servers. `offset` and `length` are the frame's, without its offload header. */
  inward(memory: NativeMemory, offset: number, length: number): void {
    this.#inner.queue(memory, offset - VNET_HEADER_BYTES, length + VNET_HEADER_BYTES);
  }

  /** Towards the clients. */
  outward(memory: NativeMemory, offset: number, length: number): void {
    this.#outer.queue(memory, offset - VNET_HEADER_BYTES, length + VNET_HEADER_BYTES);
  }

  /** Out of the interface of a side. */
  send(side: Side, memory: NativeMemory, offset: number, length: number): void {
    if (side === 'inner') this.inward(memory, offset, length);
    else this.outward(memory, offset, length);
  }

  /** To this host: the frame's destination must be the all-zero MAC. */
  deliver(memory: NativeMemory, offset: number, length: number): void {
    this.#loopback.queue(memory, offset - VNET_HEADER_BYTES, length + VNET_HEADER_BYTES);
  }

  /** Whether {@link place} has room for one more frame of this length and the batches for one more; if not, flush. */
  hasRoom(length: number): boolean {
    for (const { queued } of this.#senders) if (queued === BATCH_FRAMES) return false;
    return this.#used + ALIGNMENT + VNET_HEADER_BYTES + length <= SCRATCH_BYTES;
  }

  /** A place in `scratch` for a frame of this length: where its Ethernet header goes. Its offload header is zeroed. */
  place(length: number): number {
    const start = this.#used + ALIGNED_START;
    const offset = start + VNET_HEADER_BYTES;
    this.#used = Math.ceil((offset + length) / ALIGNMENT) * ALIGNMENT;
    this.scratch.bytes.fill(0, start, offset);
    return offset;
  }

  /** Sends everything. The frames' memory, and `scratch`, may be used anew afterwards. */
  flush(): void {
    for (let i = 0; i < this.#senders.length; i++) {
      if (this.#senders[i].queued > 0) this.#senders[i].flush();
    }
    this.#used = 0;
  }

  /** Sends nothing of it; returns how many frames that were. */
  discard(): number {
    this.#used = 0;
    let discarded = 0;
    for (const sender of this.#senders) discarded += sender.discard();
    return discarded;
  }

  close(): void {
    for (const sender of this.#senders) sender.close();
    this.scratch.release();
  }
}

function failures(counters: SenderCounters): number {
  return counters.droppedBusy + counters.droppedDown + counters.droppedRefused + counters.droppedTooLarge;
}
