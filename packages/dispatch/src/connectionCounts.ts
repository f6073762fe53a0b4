import { ConnectionState } from './connectionRecord.js';

/** Connections by state: a live view of the map's own counts. */
export class ConnectionCounts {
  private readonly byState: Int32Array;

  constructor(byState: Int32Array) {
    this.byState = byState;
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
