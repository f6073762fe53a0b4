/**
 * Something to be fuzzed: one module under `targets/` exports one of these as `target`. It imports the built modules that it
 * is about, not the whole package, so that starting is quick and the counters are about its subject.
 */
export interface Target {
  /** Longest input, in bytes. */
  readonly maxBytes: number;
  /** Well-formed inputs to start from: what mutation would take long to find. */
  seeds(): Uint8Array[];
  /** Byte strings that mean something to the code under test. */
  readonly dictionary?: readonly Uint8Array[];
  /**
   * Gives one input to the code under test. Throws (or rejects) when a promise of that code is broken. What it does
   * depends on the input alone, so that a crash can be played again. The input is valid during the call only.
   */
  run(input: Uint8Array): void | Promise<void>;
}

/** What a target throws when the code under test did not throw, but broke another promise. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

/** Asserts a promise of the code under test; `what` says what was found instead. */
export function must(kept: boolean, what: string): asserts kept {
  if (!kept) throw new BrokenPromise(what);
}

/** Reads choices out of an input: at its end everything is zero, so every input means something. */
export class Choices {
  private readonly input: Uint8Array;
  private at = 0;

  constructor(input: Uint8Array) {
    this.input = input;
  }

  get remaining(): number {
    return this.input.length - this.at;
  }

  byte(): number {
    return this.at < this.input.length ? this.input[this.at++] : 0;
  }

  /** 0 to `limit - 1`, `limit` up to 256. */
  below(limit: number): number {
    return this.byte() % limit;
  }

  /** One of a list. */
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** A big-endian number of 1 to 6 bytes. */
  uint(byteCount: number): number {
    let value = 0;
    for (let i = 0; i < byteCount; i++) value = value * 256 + this.byte();
    return value;
  }

  /** A copy of the next bytes, fewer at the end of the input. */
  bytes(byteCount: number): Uint8Array {
    const taken = this.input.slice(this.at, this.at + byteCount);
    this.at += taken.length;
    return taken;
  }

  /** Bytes behind their own length, which is one byte. */
  block(): Uint8Array {
    return this.bytes(this.byte());
  }

  /** A copy of everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }
}
