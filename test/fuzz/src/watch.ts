/** The memory that a fuzzing thread and the thread that watches it share: how far it is, and with which input. */
export class Watched {
  readonly shared: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;

  /** @param shared what another thread made; default: new */
  constructor(maxBytes: number, shared = new SharedArrayBuffer(8 + maxBytes)) {
    this.shared = shared;
    this.words = new Int32Array(shared, 0, 2);
    this.bytes = new Uint8Array(shared, 8);
  }

  /** Inputs begun so far. */
  get count(): number {
    return Atomics.load(this.words, 0);
  }

  /** A copy of the input that was begun last. */
  get input(): Uint8Array {
    return this.bytes.slice(0, Atomics.load(this.words, 1));
  }

  begin(input: Uint8Array): void {
    this.bytes.set(input);
    Atomics.store(this.words, 1, input.length);
    Atomics.add(this.words, 0, 1);
  }
}
