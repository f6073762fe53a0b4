import { Segmenter } from 'libnetraw/wire';
import type { SharedState } from './sharedState.js';
import type { RoutedPackets } from './types.js';

/** Most bytes that may wait for the main thread: who needs more waits for the next hop to be learned. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Of them in one batch. */
const BATCH_BYTES = 256 * 1024;

/**
 * Frames whose next hop is not known, on their way to the host's own routing. A raw IP socket knows no offload header and
 * sends nothing larger than the MTU, so partial checksums are finished and super-frames cut here; the main thread sends the
 * packets (`ipOutput.ts`). What finds no room is dropped and counted: that is what TCP slows down by.
 *
 * It is for the moment until a client's next packet tells where it came from, so unlike the other ways it copies.
 */
export class HostRoute {
  /** Frames that found no room or that no packets could be made of. */
  dropped = 0;
  readonly #shared: SharedState;
  readonly #post: (packets: RoutedPackets) => void;
  readonly #segmenter = new Segmenter();
  #batch: Uint8Array | undefined;
  #used = 0;
  #frames = 0;

  constructor(shared: SharedState, post: (packets: RoutedPackets) => void) {
    this.#shared = shared;
    this.#post = post;
  }

  /** Takes a frame, its offload header before it. Nothing leaves before {@link flush}. */
  take(memory: Uint8Array, offset: number, length: number): void {
    const segmenter = this.#segmenter;
    const count = segmenter.read(memory, offset, length);
    const wanted = this.#used + count * segmenter.packetBytes;
    const waiting = this.#shared.routedBytesWaiting + wanted;
    if (count === 0 || wanted > BATCH_BYTES || waiting > MAX_WAITING_BYTES) {
      this.dropped += 1;
      return;
    }
    this.#batch ??= new Uint8Array(BATCH_BYTES);
    for (let i = 0; i < count; i++) this.#used += segmenter.write(i, this.#batch, this.#used);
    this.#frames += 1;
  }

  /** Hands the packets to the main thread. */
  flush(): void {
    if (this.#batch === undefined || this.#used === 0) return;
    const bytes = this.#batch.slice(0, this.#used);
    this.#shared.addRoutedBytesWaiting(bytes.length);
    this.discard();
    this.#post({ type: 'route', bytes });
  }

  /** Forgets them; returns how many frames they were. */
  discard(): number {
    const discarded = this.#frames;
    this.#used = 0;
    this.#frames = 0;
    return discarded;
  }
}
