import { MAX_SERVERS, type ServerTable } from './servers.js';

/**
 * The servers of one service, as its scheduler sees them: all of the ring, which is what a `ServerTable` shows, or a
 * selection. Columns are by slot, whatever the set; `known` and `eligible` say which slots are in it.
 */
export interface ServerSet {
  /** Unsigned addresses: the servers' names. */
  readonly addresses: Uint32Array;
  readonly weights: Uint16Array;
  readonly loadWeights: Uint32Array;
  readonly shares: Uint16Array;
  readonly connections: ArrayLike<number>;
  /** The slots of the listed servers, active or not, in the first `knownCount` cells, in order of address. */
  readonly known: Uint8Array;
  readonly knownCount: number;
  /** Of these the ones that take new connections, in the first `eligibleCount` cells. */
  readonly eligible: Uint8Array;
  readonly eligibleCount: number;
  /** Whether a server is in the set and takes new connections. */
  isEligible(slot: number): boolean;
}

/** Some of the servers of a table. */
export class ServerSelection implements ServerSet {
  readonly known = new Uint8Array(MAX_SERVERS);
  knownCount = 0;
  readonly eligible = new Uint8Array(MAX_SERVERS);
  eligibleCount = 0;
  private readonly table: ServerTable;
  private readonly includes: (table: ServerTable, slot: number) => boolean;

  constructor(table: ServerTable, includes: (table: ServerTable, slot: number) => boolean) {
    this.table = table;
    this.includes = includes;
  }

  get addresses(): Uint32Array {
    return this.table.addresses;
  }

  get weights(): Uint16Array {
    return this.table.weights;
  }

  get loadWeights(): Uint32Array {
    return this.table.loadWeights;
  }

  get shares(): Uint16Array {
    return this.table.shares;
  }

  get connections(): ArrayLike<number> {
    return this.table.connections;
  }

  isEligible(slot: number): boolean {
    return this.table.takesConnections(slot) && this.includes(this.table, slot);
  }

  /** Selects anew, after the table has changed. */
  refresh(): void {
    const { table } = this;
    this.knownCount = 0;
    this.eligibleCount = 0;
    for (const slot of table.listed) {
      if (!this.includes(table, slot)) continue;
      this.known[this.knownCount++] = slot;
      if (table.takesConnections(slot)) this.eligible[this.eligibleCount++] = slot;
    }
  }
}
