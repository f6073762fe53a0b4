/** TCP connections, one row each, in columns. Only the first `count` rows of a column hold something. */
export interface TcpConnections {
  readonly count: number;
  readonly localAddress: Uint32Array<ArrayBuffer>;
  readonly localPort: Uint16Array<ArrayBuffer>;
  /** The other end. */
  readonly clientAddress: Uint32Array<ArrayBuffer>;
  readonly clientPort: Uint16Array<ArrayBuffer>;
  /** See `TcpState`. */
  readonly state: Uint8Array<ArrayBuffer>;
  /** False if connections came and went in a way that one may be missing or there twice. */
  readonly consistent: boolean;
  /** True if there were more than the limit. */
  readonly limited: boolean;
}

const FIRST_CAPACITY = 256;

/** Columns that grow by doubling, up to a limit. */
export class ConnectionTable {
  readonly #limit: number;
  #count = 0;
  #limited = false;
  #localAddress = new Uint32Array(FIRST_CAPACITY);
  #localPort = new Uint16Array(FIRST_CAPACITY);
  #clientAddress = new Uint32Array(FIRST_CAPACITY);
  #clientPort = new Uint16Array(FIRST_CAPACITY);
  #state = new Uint8Array(FIRST_CAPACITY);

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** Beyond the limit a row is left out, and that is noted. */
  add(
    localAddress: number,
    localPort: number,
    clientAddress: number,
    clientPort: number,
    state: number,
  ): void {
    const row = this.#count;
    if (row === this.#limit) {
      this.#limited = true;
      return;
    }
    if (row === this.#state.length) this.#grow();
    this.#localAddress[row] = localAddress;
    this.#localPort[row] = localPort;
    this.#clientAddress[row] = clientAddress;
    this.#clientPort[row] = clientPort;
    this.#state[row] = state;
    this.#count = row + 1;
  }

  /** Forgets all rows from `count` on. */
  truncate(count: number): void {
    this.#count = count;
    this.#limited &&= count === this.#limit;
  }

  /** The table as it is; it must not be added to afterwards. */
  finish(consistent: boolean): TcpConnections {
    return {
      count: this.#count,
      localAddress: this.#localAddress,
      localPort: this.#localPort,
      clientAddress: this.#clientAddress,
      clientPort: this.#clientPort,
      state: this.#state,
      consistent,
      limited: this.#limited,
    };
  }

  #grow(): void {
    const capacity = this.#state.length * 2;
    this.#localAddress = extended(this.#localAddress, new Uint32Array(capacity));
    this.#localPort = extended(this.#localPort, new Uint16Array(capacity));
    this.#clientAddress = extended(this.#clientAddress, new Uint32Array(capacity));
    this.#clientPort = extended(this.#clientPort, new Uint16Array(capacity));
    this.#state = extended(this.#state, new Uint8Array(capacity));
  }
}

function extended<T extends Uint8Array | Uint16Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
