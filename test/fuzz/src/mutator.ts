import type { Random } from './random.js';

/** Bytes at the edges of what fields hold. */
const INTERESTING = Uint8Array.of(
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  14,
  16,
  20,
  32,
  64,
  100,
  126,
  127,
  128,
  129,
  253,
  254,
  255,
);
/** Up to 2^4 changes to one input. */
const MAX_CHANGES_LOG2 = 4;
const MAX_BLOCK_BYTES = 32;

/** Makes new inputs out of old ones, in one buffer of its own: no allocation but the view. */
export class Mutator {
  private readonly random: Random;
  private readonly dictionary: readonly Uint8Array[];
  private readonly buffer: Uint8Array;
  private length = 0;

  constructor(random: Random, maxBytes: number, dictionary: readonly Uint8Array[] = []) {
    this.random = random;
    this.buffer = new Uint8Array(maxBytes);
    this.dictionary = dictionary;
  }

  /** A changed `base`, at times with a piece of `other`. Valid until the next call. */
  mutate(base: Uint8Array, other: Uint8Array): Uint8Array {
    const { buffer, random } = this;
    this.length = Math.min(base.length, buffer.length);
    buffer.set(this.length === base.length ? base : base.subarray(0, this.length));
    const changes = 1 << random.below(MAX_CHANGES_LOG2 + 1);
    for (let i = 0; i < changes; i++) this.change(other);
    return buffer.subarray(0, this.length);
  }

  private change(other: Uint8Array): void {
    const { buffer, random } = this;
    const at = random.below(this.length);
    if (this.length === 0) return this.insert(0, INTERESTING, random.below(INTERESTING.length), 1);
    switch (random.below(10)) {
      case 0:
        buffer[at] ^= 1 << random.below(8);
        return;
      case 1:
      case 2:
        buffer[at] = random.next();
        return;
      case 3:
        buffer[at] = INTERESTING[random.below(INTERESTING.length)];
        return;
      case 4:
        buffer[at] += random.below(33) - 16;
        return;
      case 5:
        return this.remove(at, 1 + random.below(MAX_BLOCK_BYTES));
      case 6:
        return this.insert(at, buffer.slice(0, this.length), random.below(this.length), this.blockBytes());
      case 7:
        return this.splice(at, other);
      case 8:
        return this.useWord(at);
      default:
        return this.insert(at, Uint8Array.of(random.next()), 0, 1);
    }
  }

  private blockBytes(): number {
    return 1 + this.random.below(MAX_BLOCK_BYTES);
  }

  private remove(at: number, count: number): void {
    const end = Math.min(this.length, at + count);
    this.buffer.copyWithin(at, end, this.length);
    this.length -= end - at;
  }

  /** Inserts bytes of `source`, as many as there are and as find room. */
  private insert(at: number, source: Uint8Array, from: number, wanted: number): void {
    const count = Math.min(wanted, source.length - from, this.buffer.length - this.length);
    if (count <= 0) return;
    this.buffer.copyWithin(at + count, at, this.length);
    this.buffer.set(source.subarray(from, from + count), at);
    this.length += count;
  }

  private overwrite(at: number, source: Uint8Array): void {
    const count = Math.min(source.length, this.buffer.length - at);
    this.buffer.set(source.subarray(0, count), at);
    this.length = Math.max(this.length, at + count);
  }

  /** A piece of another input, in between or over what is there. */
  private splice(at: number, other: Uint8Array): void {
    if (other.length === 0) return;
    const from = this.random.below(other.length);
    const count = 1 + this.random.below(other.length - from);
    if (this.random.below(2) === 0) this.insert(at, other, from, count);
    else this.overwrite(at, other.subarray(from, from + count));
  }

  private useWord(at: number): void {
    if (this.dictionary.length === 0) return;
    const word = this.dictionary[this.random.below(this.dictionary.length)];
    if (this.random.below(2) === 0) this.insert(at, word, 0, word.length);
    else this.overwrite(at, word);
  }
}
