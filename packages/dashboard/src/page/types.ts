/** What the page reads of the node's documents: `GET /status`, `/history`, `/events`. Nodes add keys and rename none. */

export interface Member {
  readonly address: string;
  readonly role: string;
  readonly active: boolean;
  readonly drain?: { readonly state: string; readonly connections: number | null };
  readonly weight?: { readonly inForce: number };
  readonly load?: {
    readonly connections: number;
    readonly newPerSecond: number;
    readonly acceptQueue: number;
  };
}

export interface Status {
  readonly address: string;
  readonly role: string;
  readonly ring: { readonly dispatcher: string | null; readonly members: readonly Member[] };
  readonly connections: { readonly total: number; readonly established: number };
  readonly rebuild: { readonly state: string; readonly percent: number; readonly ms: number };
  readonly health?: readonly {
    readonly check: string;
    readonly state: string;
    readonly lastFailure: string | null;
  }[];
}

export interface Sample {
  readonly atMs: number;
  readonly connections: number;
  readonly newPerSecond: number;
  readonly framesPerSecond: number;
  readonly droppedPerSecond: number;
  readonly dispatcher: string | null;
  /** Another one dispatches than in the sample before, which was lost. */
  readonly failover: boolean;
  readonly servers: readonly { readonly address: string; readonly connections: number }[];
}

export interface News {
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  readonly text: string;
  readonly role?: string;
}
