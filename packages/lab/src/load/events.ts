/**
 * What the load program tells on its standard output, one JSON object a line. Times are milliseconds of the
 * machine-wide monotonic clock (`clock.ts`).
 */

/** All connections of `hold` are open and have been answered once. */
export interface ReadyEvent {
  readonly event: 'ready';
  readonly at: number;
  readonly servers: Readonly<Record<string, number>>;
}

/** How a held connection came to harm: reset or closed by the other side, or no answer for too long. */
export type Harm = 'reset' | 'closed' | 'stalled';

export interface HarmEvent {
  readonly event: 'harm';
  readonly at: number;
  readonly connection: number;
  readonly server: string;
  readonly harm: Harm;
  /** When it was last answered. */
  readonly lastReplyAt: number;
}

/** A stalled connection was answered after all. */
export interface ResumedEvent {
  readonly event: 'resumed';
  readonly at: number;
  readonly connection: number;
  readonly server: string;
}

/** The held connections of one server. */
export interface HeldOnServer {
  readonly held: number;
  /** Open, and answered within the stall limit. */
  readonly alive: number;
  readonly stalled: number;
  /** Reset or closed. */
  readonly broken: number;
  /** The longest that a connection waited for an answer since the last state event. */
  readonly longestSilenceMs: number;
}

/** Regularly, and once more at the end. */
export interface StateEvent {
  readonly event: 'state';
  readonly at: number;
  readonly servers: Readonly<Record<string, HeldOnServer>>;
}

/** One request on a connection of its own has ended. `server` is there when it was served, `error` when not. */
export interface RequestEvent {
  readonly event: 'request';
  readonly start: number;
  readonly end: number;
  readonly server?: string;
  readonly error?: string;
}

/** `burst` is done. */
export interface BurstEvent {
  readonly event: 'burst';
  readonly at: number;
  readonly servers: Readonly<Record<string, number>>;
  /** Client addresses that the services saw. */
  readonly clients: readonly string[];
  readonly failed: number;
}

/** So many bytes of a transfer have come back. */
export interface ProgressEvent {
  readonly event: 'progress';
  readonly at: number;
  readonly bytes: number;
  /** Who has served it so far. */
  readonly servers: readonly string[];
}

/** A transfer has ended. It is a success when it is `intact`: what came back has the hash of what was sent. */
export interface TransferEvent {
  readonly event: 'transfer';
  readonly start: number;
  readonly end: number;
  /** Who served it; UDP may be served by several, one after the other. */
  readonly servers: readonly string[];
  readonly intact: boolean;
  readonly error?: string;
  /** UDP: datagrams that were sent again. */
  readonly repeated: number;
}

export type LoadEvent =
  | ReadyEvent
  | HarmEvent
  | ResumedEvent
  | StateEvent
  | RequestEvent
  | BurstEvent
  | ProgressEvent
  | TransferEvent;

/** Writes an event to standard output. */
export function tell(event: LoadEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
