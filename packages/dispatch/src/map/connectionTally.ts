import { MAX_SERVERS } from '../servers.js';
import { ConnectionState } from './connectionRecord.js';

/** How many connections there are, in all maps that share it. */
export interface ConnectionTally {
  /** By state; cell 0 is all of them. */
  readonly byState: Int32Array;
  /** By server slot. */
  readonly byServer: Int32Array;
  /** By next hop towards their clients; cell 0 means nothing. */
  readonly byHop: Int32Array;
}

/** One that has counted nothing. */
export function createTally(): ConnectionTally {
  return {
    byState: new Int32Array(4),
    byServer: new Int32Array(MAX_SERVERS + 1),
    byHop: new Int32Array(256),
  };
}

/** Connections by state: a live view of a tally. */
export class ConnectionCounts {
  private readonly byState: Int32Array;

  constructor(tally: ConnectionTally) {
    this.byState = tally.byState;
  }

  get total(): number {
    return this.byState[0];
  }

  get halfOpen(): number {
    return this.byState[ConnectionState.halfOpen];
  }

  get established(): number {
    return this.byState[ConnectionState.established];
  }

  get closing(): number {
    return this.byState[ConnectionState.closing];
  }
}
