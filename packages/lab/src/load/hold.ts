import { nowMs } from '../clock.js';
import { tell, type HeldOnServer } from './events.js';
import { HeldConnection } from './heldConnection.js';
import type { Target } from './target.js';

export interface HoldOptions {
  readonly target: Target;
  readonly connections: number;
  /** Each connection is pinged this often. */
  readonly intervalMs: number;
  /** A connection that waited longer than this for an answer counts as stalled. */
  readonly stalledMs: number;
  /** How often the state is told. */
  readonly stateMs: number;
}

/** Connections that are being opened at one time. */
const OPENING_AT_ONCE = 50;
/** Pings are spread over the interval in slices of this length. */
const SLICE_MS = 5;

/** Opens the connections, keeps each one busy with pings, and tells what becomes of them. For ever. */
export class Holder {
  readonly #options: HoldOptions;
  readonly #connections: HeldConnection[] = [];
  #opened = 0;
  #next = 0;

  constructor(options: HoldOptions) {
    this.#options = options;
  }

  start(): void {
    for (let i = 0; i < Math.min(OPENING_AT_ONCE, this.#options.connections); i++) this.#open();
    setInterval(() => this.#pingSome(), SLICE_MS);
    setInterval(() => this.tellState(), this.#options.stateMs);
  }

  /** Tells the state of all connections, by server. */
  tellState(): void {
    const now = nowMs();
    const servers: Record<string, HeldOnServer> = {};
    for (const connection of this.#connections) {
      const name = connection.server || 'unknown';
      const sum = (servers[name] ??= { held: 0, alive: 0, stalled: 0, broken: 0, longestSilenceMs: 0 });
      const silenceMs = connection.broken ? 0 : connection.silenceMs(now);
      servers[name] = {
        held: sum.held + 1,
        alive: sum.alive + (connection.broken || connection.stalled ? 0 : 1),
        stalled: sum.stalled + (connection.stalled && !connection.broken ? 1 : 0),
        broken: sum.broken + (connection.broken ? 1 : 0),
        longestSilenceMs: Math.max(sum.longestSilenceMs, connection.longestSilenceMs, silenceMs),
      };
      connection.longestSilenceMs = 0;
    }
    tell({ event: 'state', at: now, servers });
  }

  #open(): void {
    const id = this.#connections.length;
    const events = {
      opened: () => this.#anotherOpened(),
      broken: (connection: HeldConnection, harm: 'reset' | 'closed') => {
        const { server, lastReplyAt } = connection;
        tell({ event: 'harm', at: nowMs(), connection: id, server, harm, lastReplyAt });
      },
    };
    this.#connections.push(new HeldConnection(id, this.#options.target, events));
  }

  #anotherOpened(): void {
    this.#opened++;
    if (this.#connections.length < this.#options.connections) this.#open();
    if (this.#opened !== this.#options.connections) return;
    const servers: Record<string, number> = {};
    for (const { server } of this.#connections) servers[server] = (servers[server] ?? 0) + 1;
    tell({ event: 'ready', at: nowMs(), servers });
  }

  /** Every slice a share of the connections, so that the load is even. */
  #pingSome(): void {
    const now = nowMs();
    const { intervalMs } = this.#options;
    const share = Math.ceil((this.#connections.length * SLICE_MS) / intervalMs);
    for (let i = 0; i < share && this.#connections.length > 0; i++) {
      const connection = this.#connections[this.#next++ % this.#connections.length];
      this.#judge(connection, now);
      if (connection.server !== '') connection.ping();
    }
  }

  #judge(connection: HeldConnection, now: number): void {
    if (connection.broken) return;
    const stalled = connection.silenceMs(now) > this.#options.stalledMs;
    if (stalled === connection.stalled) return;
    connection.stalled = stalled;
    const { id, server, lastReplyAt } = connection;
    if (stalled) tell({ event: 'harm', at: now, connection: id, server, harm: 'stalled', lastReplyAt });
    else tell({ event: 'resumed', at: now, connection: id, server });
  }
}
