import { readU32, writeU32 } from 'libnetraw/wire';

const LENGTH_BYTES = 4;

/**
 * Frames that wait for the connection map to be rebuilt, in memory of a fixed size.
 *
 * Two halves: `take` hands out the frames of one while new ones go into the other, so a frame that is given back, looked
 * at again and held again never overwrites one that is still to be sent. What `take` handed out stays intact until the
 * next `take`.
 */
export class HoldBuffer {
  /** The two memories that held frames are handed out from, for a shell that wants their addresses once. */
  readonly memories: readonly [Uint8Array, Uint8Array];
  /** Frames held. */
  count = 0;
  /** Bytes they take, with their headroom and four bytes each. */
  usedBytes = 0;

  private readonly headroomBytes: number;
  private current = 0;

  /**
   * @param capacityBytes most bytes held at a time; twice that is allocated.
   * @param headroomBytes bytes before each frame that belong to it (the vnet header).
   */
  constructor(capacityBytes: number, headroomBytes: number) {
    this.memories = [new Uint8Array(capacityBytes), new Uint8Array(capacityBytes)];
    this.headroomBytes = headroomBytes;
  }

  /** Copies a frame and its headroom; false when there is no room, or no headroom before `offset`. */
  offer(memory: Uint8Array, offset: number, length: number): boolean {
    const target = this.memories[this.current];
    const start = offset - this.headroomBytes;
    const needed = LENGTH_BYTES + this.headroomBytes + length;
    if (start < 0 || this.usedBytes + needed > target.length) return false;
    writeU32(target, this.usedBytes, length);
    // The view is an allocation, but holding is the rare path, and a super-frame copied byte by byte costs more.
    target.set(memory.subarray(start, offset + length), this.usedBytes + LENGTH_BYTES);
    this.usedBytes += needed;
    this.count++;
    return true;
  }

  /** Hands out all held frames, oldest first; returns how many. `visit` may offer frames again. */
  take(visit: (memory: Uint8Array, offset: number, length: number) => void): number {
    const memory = this.memories[this.current];
    const end = this.usedBytes;
    const taken = this.count;
    this.current = 1 - this.current;
    this.usedBytes = 0;
    this.count = 0;
    let at = 0;
    while (at < end) {
      const length = readU32(memory, at);
      const offset = at + LENGTH_BYTES + this.headroomBytes;
      visit(memory, offset, length);
      at = offset + length;
    }
    return taken;
  }
}
