import assert from 'node:assert/strict';
import { libc, NativeMemory, type Libc } from '../libc/index.js';
import { POLLIN } from '../libc/constants.js';
import type { Wake } from '../wake.js';
import { Ready, type PacketRing } from './packetRing.js';

/** Bytes of a `struct pollfd` { int fd; short events; short revents }. */
const POLLFD_BYTES = 8;

/** Waits for several rings at once, and for a wake-up. One ring alone has a `poll` of its own. */
export class RingPoller {
  readonly #rings: number;
  readonly #scratch: NativeMemory;
  readonly #events: Int16Array;
  readonly #poll: Libc['poll'];

  constructor(rings: readonly PacketRing[], wake?: Wake) {
    assert(rings.length > 0, 'there is a ring to wait for');
    this.#rings = rings.length;
    this.#scratch = NativeMemory.allocate((rings.length + 1) * POLLFD_BYTES);
    this.#events = new Int16Array(this.#scratch.bytes.buffer);
    this.#poll = libc().poll;
    const words = new Int32Array(this.#scratch.bytes.buffer);
    for (const [i, fd] of [...rings.map((ring) => ring.fd), wake?.fd ?? -1].entries()) {
      words[2 * i] = fd;
      this.#events[4 * i + 2] = POLLIN;
    }
  }

  /**
   * Blocks the thread until a frame is in one of the rings, the wake-up was signalled, an interface failed, or the time is
   * over. All taken slots should have been released before.
   * @param timeoutMs -1 for ever, 0 not at all
   * @returns bits of {@link Ready}; after `error`, `takeError` of each ring says whose it was
   */
  poll(timeoutMs: number): number {
    if (this.#poll(this.#scratch.address, this.#rings + 1, timeoutMs) <= 0) return 0;
    let ready = this.#events[4 * this.#rings + 3] === 0 ? 0 : Ready.woken;
    for (let i = 0; i < this.#rings; i++) {
      const seen = this.#events[4 * i + 3];
      if ((seen & POLLIN) !== 0) ready |= Ready.frames;
      if ((seen & ~POLLIN) !== 0) ready |= Ready.error;
    }
    return ready;
  }

  close(): void {
    this.#scratch.release();
  }
}
