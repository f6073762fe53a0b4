/** Big-endian cursors over byte arrays (R4). The reader never throws: it goes `bad` and returns zeros. */
export class ByteReader {
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private at: number;
  bad = false;

  constructor(bytes: Uint8Array, offset = 0, length = bytes.length - offset) {
    this.bytes = bytes;
    this.at = offset;
    this.end = Math.min(bytes.length, offset + length);
  }

  get remaining(): number {
    return this.end - this.at;
  }

  get offset(): number {
    return this.at;
  }

  /** An unsigned big-endian number of 1 to 7 bytes; one above 2^53 - 1 is bad, because it could not be told exactly. */
  uint(byteCount: number): number {
    if (this.remaining < byteCount) {
      this.bad = true;
      return 0;
    }
    let value = 0;
    for (let i = 0; i < byteCount; i++) value = value * 256 + (this.bytes[this.at++] as number);
    if (value > Number.MAX_SAFE_INTEGER) {
      this.bad = true;
      return 0;
    }
    return value;
  }

  /** A copy of the next `byteCount` bytes. */
  take(byteCount: number): Uint8Array {
    if (byteCount < 0 || this.remaining < byteCount) {
      this.bad = true;
      return new Uint8Array(0);
    }
    const slice = this.bytes.slice(this.at, this.at + byteCount);
    this.at += byteCount;
    return slice;
  }
}

export class ByteWriter {
  private bytes: Uint8Array;
  private at = 0;

  constructor(capacity = 64) {
    this.bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.at;
  }

  uint(value: number, byteCount: number): this {
    this.reserve(byteCount);
    let rest = value;
    for (let i = byteCount - 1; i >= 0; i--) {
      this.bytes[this.at + i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.at += byteCount;
    return this;
  }

  put(source: Uint8Array): this {
    this.reserve(source.length);
    this.bytes.set(source, this.at);
    this.at += source.length;
    return this;
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  private reserve(byteCount: number): void {
    if (this.at + byteCount <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + byteCount));
    grown.set(this.bytes);
    this.bytes = grown;
  }
}
