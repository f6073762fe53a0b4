import { FrameSender, NativeMemory, VNET_HEADER_BYTES, type SenderCounters } from 'libnetraw';

/** Frames that do not lie in the ring: ARP answers and released ones. Several super-frames fit. */
const SCRATCH_BYTES = 1024 * 1024;
/** Keeps copied frames aligned as in the ring: 10 + 14 + 8 = 32, so the IP header stands at a multiple of 4. */
const ALIGNMENT = 16;
const ALIGNED_START = ALIGNMENT - VNET_HEADER_BYTES;
/** Frames per system call, and per turn of the worker. */
export const BATCH_FRAMES = 64;

/**
 * Frames on their way out: through the interface, or to this host itself over `lo`. A frame is named by where it lies in
 * native memory, with its offload header directly before it; nothing is copied, and nothing leaves before `flush`.
 */
export class Outbox {
  /** For frames that lie nowhere yet; see {@link place}. */
  readonly scratch = NativeMemory.allocate(SCRATCH_BYTES);
  readonly #wire: FrameSender;
  readonly #loopback: FrameSender;
  #used = 0;

  /** Throws `SystemError`: `EPERM`, `ENODEV`. */
  constructor(interfaceName: string) {
    this.#wire = FrameSender.open({ interface: interfaceName, batch: BATCH_FRAMES });
    this.#loopback = FrameSender.open({ interface: 'lo', batch: BATCH_FRAMES });
  }

  get wireCounters(): SenderCounters {
    return this.#wire.counters;
  }

  get loopbackCounters(): SenderCounters {
    return this.#loopback.counters;
  }

  /** Frames the kernel did not take. */
  get failed(): number {
    return failures(this.#wire.counters) + failures(this.#loopback.counters);
  }

  /** Out of the interface. `offset` and `length` are the frame's, without its offload header. */
  forward(memory: NativeMemory, offset: number, length: number): void {
    this.#wire.queue(memory, offset - VNET_HEADER_BYTES, length + VNET_HEADER_BYTES);
  }

  /** To this host: the frame's destination must be the all-zero MAC. */
  deliver(memory: NativeMemory, offset: number, length: number): void {
    this.#loopback.queue(memory, offset - VNET_HEADER_BYTES, length + VNET_HEADER_BYTES);
  }

  /** Whether {@link place} has room for one more frame of this length and the batches for one more; if not, flush. */
  hasRoom(length: number): boolean {
    const isBatchFull = this.#wire.queued === BATCH_FRAMES || this.#loopback.queued === BATCH_FRAMES;
    return !isBatchFull && this.#used + ALIGNMENT + VNET_HEADER_BYTES + length <= SCRATCH_BYTES;
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
    if (this.#wire.queued > 0) this.#wire.flush();
    if (this.#loopback.queued > 0) this.#loopback.flush();
    this.#used = 0;
  }

  /** Sends nothing of it; returns how many frames that were. */
  discard(): number {
    this.#used = 0;
    return this.#wire.discard() + this.#loopback.discard();
  }

  close(): void {
    this.#wire.close();
    this.#loopback.close();
    this.scratch.release();
  }
}

function failures(counters: SenderCounters): number {
  return counters.droppedBusy + counters.droppedDown + counters.droppedRefused + counters.droppedTooLarge;
}
