/**
 * The only source of chance in a simulation (sfc32, by Chris Doty-Humphrey; passes PractRand). Everything that happens
 * draws from streams of one seed, so a run repeats to the last bit.
 */
export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private d = 1;

  /** Streams of one seed are independent: taking a draw from one leaves the others as they were. */
  constructor(seed: number, stream: string) {
    this.a = seed >>> 0;
    this.b = Math.floor(seed / 2 ** 32) >>> 0;
    for (let i = 0; i < stream.length; i++) this.c = (Math.imul(this.c, 31) + stream.charCodeAt(i)) >>> 0;
    for (let i = 0; i < 15; i++) this.uint32();
  }

  uint32(): number {
    const sum = (this.a + this.b + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    this.c |= 0;
    return sum >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    return this.uint32() / 2 ** 32;
  }

  /** True with the given probability; draws nothing for 0. */
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** A real number in [from, to). */
  between(from: number, to: number): number {
    return from + (to - from) * this.next();
  }

  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)] as T;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.uint32() & 255;
    return bytes;
  }
}
