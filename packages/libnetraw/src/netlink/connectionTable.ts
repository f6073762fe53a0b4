interface Columns {
  readonly count: number;
  readonly localPort: Uint16Array<ArrayBuffer>;
  readonly clientPort: Uint16Array<ArrayBuffer>;
  /** See `TcpState`. */
  readonly state: Uint8Array<ArrayBuffer>;
  /** False if connections came and went in a way that one may be missing or there twice. */
  readonly consistent: boolean;
  /** True if there were more than the limit. */
  readonly limited: boolean;
}

/** TCP connections over IPv4, one row each, in columns. Only the first `count` rows of a column hold something. */
export interface TcpConnections extends Columns {
  readonly family: 4;
  /** Unsigned numbers. */
  readonly localAddress: Uint32Array<ArrayBuffer>;
  /** The other end. */
  readonly clientAddress: Uint32Array<ArrayBuffer>;
}

/** TCP connections over IPv6; see {@link TcpConnections}. */
export interface TcpConnections6 extends Columns {
  readonly family: 6;
  /** 16 bytes a row. */
  readonly localAddress: Uint8Array<ArrayBuffer>;
  /** The other end: 16 bytes a row. */
  readonly clientAddress: Uint8Array<ArrayBuffer>;
}

const FIRST_CAPACITY = 256;
const ADDRESS6_BYTES = 16;

/** Columns that grow by doubling, up to a limit. */
abstract class ConnectionColumns {
  readonly #limit: number;
  #count = 0;
  #limited = false;
  #localPort = new Uint16Array(FIRST_CAPACITY);
  #clientPort = new Uint16Array(FIRST_CAPACITY);
  #state = new Uint8Array(FIRST_CAPACITY);

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** Forgets all rows from `count` on. */
  truncate(count: number): void {
    this.#count = count;
    this.#limited &&= count === this.#limit;
  }

  /** The row that was added, or -1: beyond the limit a row is left out, and that is noted. */
  protected addRow(localPort: number, clientPort: number, state: number): number {
    const row = this.#count;
    if (row === this.#limit) {
      this.#limited = true;
      return -1;
    }
    if (row === this.#state.length) this.#grow();
    this.#localPort[row] = localPort;
    this.#clientPort[row] = clientPort;
    this.#state[row] = state;
    this.#count = row + 1;
    return row;
  }

  protected columns(consistent: boolean): Columns {
    return {
      count: this.#count,
      localPort: this.#localPort,
      clientPort: this.#clientPort,
      state: this.#state,
      consistent,
      limited: this.#limited,
    };
  }

  /** Makes room in the columns of addresses. */
  protected abstract growAddresses(capacity: number): void;

  #grow(): void {
    const capacity = this.#state.length * 2;
    this.#localPort = extended(this.#localPort, new Uint16Array(capacity));
    this.#clientPort = extended(this.#clientPort, new Uint16Array(capacity));
    this.#state = extended(this.#state, new Uint8Array(capacity));
    this.growAddresses(capacity);
  }
}

/** Connections over IPv4. */
export class ConnectionTable extends ConnectionColumns {
  #localAddress = new Uint32Array(FIRST_CAPACITY);
  #clientAddress = new Uint32Array(FIRST_CAPACITY);

  /** Beyond the limit a row is left out, and that is noted. */
  add(
    localAddress: number,
    localPort: number,
    clientAddress: number,
    clientPort: number,
    state: number,
  ): void {
    const row = this.addRow(localPort, clientPort, state);
    if (row < 0) return;
    this.#localAddress[row] = localAddress;
    this.#clientAddress[row] = clientAddress;
  }

  /** The table as it is; it must not be added to afterwards. */
  finish(consistent: boolean): TcpConnections {
    const addresses = { localAddress: this.#localAddress, clientAddress: this.#clientAddress };
    return { family: 4, ...this.columns(consistent), ...addresses };
  }

  protected override growAddresses(capacity: number): void {
    this.#localAddress = extended(this.#localAddress, new Uint32Array(capacity));
    this.#clientAddress = extended(this.#clientAddress, new Uint32Array(capacity));
  }
}

/** Connections over IPv6. */
export class ConnectionTable6 extends ConnectionColumns {
  #localAddress = new Uint8Array(FIRST_CAPACITY * ADDRESS6_BYTES);
  #clientAddress = new Uint8Array(FIRST_CAPACITY * ADDRESS6_BYTES);

  /** Addresses of 16 bytes; they are copied. Beyond the limit a row is left out, and that is noted. */
  add(
    localAddress: Uint8Array,
    localPort: number,
    clientAddress: Uint8Array,
    clientPort: number,
    state: number,
  ): void {
    const row = this.addRow(localPort, clientPort, state);
    if (row < 0) return;
    this.#localAddress.set(localAddress, row * ADDRESS6_BYTES);
    this.#clientAddress.set(clientAddress, row * ADDRESS6_BYTES);
  }

  /** The table as it is; it must not be added to afterwards. */
  finish(consistent: boolean): TcpConnections6 {
    const addresses = { localAddress: this.#localAddress, clientAddress: this.#clientAddress };
    return { family: 6, ...this.columns(consistent), ...addresses };
  }

  protected override growAddresses(capacity: number): void {
    this.#localAddress = extended(this.#localAddress, new Uint8Array(capacity * ADDRESS6_BYTES));
    this.#clientAddress = extended(this.#clientAddress, new Uint8Array(capacity * ADDRESS6_BYTES));
  }
}

function extended<T extends Uint8Array | Uint16Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
