import { performance } from 'node:perf_hooks';
import { ID_EVERYBODY, type RingState } from '@ringmaster/ring';
import type { RingDriver, RingEvent } from '@ringmaster/transport';
import type { NodeConfig } from '../config/index.js';
import type { OrderRequest } from '../control/index.js';
import type { OrderAnswerDocument } from '../control/routes.js';
import { Drain, type DrainState } from '../drain/drain.js';
import { drainPath } from '../drain/drainFile.js';
import type { EventLog } from '../events/eventLog.js';
import type { InventoryServer } from '../inventory/index.js';
import type { Logger } from '../logging.js';
import { type HeardLoad, Loads, reportIntervalMs } from '../load/loads.js';
import { LoadReporting } from '../load/reporting.js';
import {
  decodeNodeMessage,
  encodeNodeMessage,
  type NodeMessage,
  type OrderAction,
  type OrderOutcome,
} from '../messages/nodeMessage.js';
import { Abdication } from './abdication.js';
import { hostOfId } from './hosts.js';
import { OrderRefused, Orders, OrdersBusy } from './orders.js';

export interface OperationParts {
  readonly config: NodeConfig;
  readonly driver: RingDriver;
  readonly inventory: InventoryServer;
  readonly logger: Logger;
  readonly events: Pick<EventLog, 'add'>;
  /** What this node takes has changed. */
  readonly onChange: () => void;
  /** How long this node's services take to answer. */
  readonly responseMs: () => number | undefined;
}

const DRAIN_NEWS: Readonly<Record<DrainState, string>> = {
  serving: 'this node takes new connections again',
  draining: 'this node is drained: it takes no new connections',
  drained: 'this node is drained, and the deadline is over: what is left is reset',
};

/** What operators do to a running node, and what nodes tell each other for it. */
export class Operation {
  readonly drain: Drain;
  /** Messages of nodes that were not understood: of another version, or none at all. */
  notUnderstood = 0;
  private readonly state: RingState;
  private toldDrain: DrainState = 'serving';
  private toldEnded = 0;
  private readonly abdication: Abdication;
  private readonly orders: Orders;
  private readonly loads = new Loads();
  private readonly reporting: LoadReporting;

  constructor({ config, driver, inventory, logger, events, onChange, responseMs }: OperationParts) {
    const { state } = driver;
    this.state = state;
    const send = (destination: number, body: Uint8Array): void =>
      driver.command({ kind: 'send', destination, body });
    this.reporting = new LoadReporting({
      measure: () => inventory.load(),
      responseMs,
      deadlineInMs: () => this.drain.deadlineInMs(),
      send: (report) => send(ID_EVERYBODY, encodeNodeMessage(report)),
      intervalMs: () => reportIntervalMs(this.members),
      onFailure: (why) =>
        logger.warn('the load of this host cannot be measured: the others do not know it', { why }),
      nowMs: () => performance.now(),
    });
    this.drain = new Drain({
      file: drainPath(config.control.socket),
      weight: config.weight,
      canServe: config.capabilities.includes('serve'),
      describe: (change) => driver.command({ kind: 'describe', change }),
      endConnections: () => inventory.endConnections(),
      onChange: () => {
        this.tellDrain(events);
        onChange();
        this.reporting.reportNow();
      },
      log: logger,
      nowMs: () => Date.now(),
    });
    this.abdication = new Abdication({
      state,
      describe: (change) => driver.command({ kind: 'describe', change }),
      logger,
    });
    this.orders = new Orders({ state, send, obey: (action, durationMs) => this.obey(action, durationMs) });
  }

  /** Connections that were reset at the deadlines of drains. */
  get endedConnections(): number {
    return this.drain.ended;
  }

  start(): void {
    this.reporting.start();
  }

  /** What a node last told of its load; `undefined` when that was never, or too long ago. */
  loadOf(host: number): HeardLoad | undefined {
    return this.loads.of(host, this.members, performance.now());
  }

  handle(event: RingEvent): void {
    if (event.kind === 'membershipChanged') this.abdication.review();
    if (event.kind !== 'application') return;
    const message = decodeNodeMessage(event.body);
    if (message === undefined) this.notUnderstood++;
    // Not within the step that brought it: what is done about it may be a step of its own.
    else setImmediate(() => this.hear(event.source, message));
  }

  async order(request: OrderRequest): Promise<OrderAnswerDocument> {
    try {
      return { ok: true, document: await this.orders.execute(request) };
    } catch (error) {
      if (error instanceof OrderRefused) return { ok: false, message: error.message };
      if (error instanceof OrdersBusy) {
        return { ok: false, message: error.message, retryAfterS: Math.ceil(error.retryAfterMs / 1000) };
      }
      throw error;
    }
  }

  /** @param asked the node is stopped as its operator wishes: when it is started again, it is wanted again. */
  close(asked: boolean): void {
    this.drain.close(asked);
    this.abdication.close();
    this.reporting.close();
  }

  private tellDrain(events: Pick<EventLog, 'add'>): void {
    const { state, ended } = this.drain;
    if (state === this.toldDrain && ended === this.toldEnded) return;
    this.toldDrain = state;
    this.toldEnded = ended;
    events.add('drain', DRAIN_NEWS[state], { state, ended });
  }

  private get members(): number {
    return 1 + this.state.roster.activeCount();
  }

  private hear(source: number, message: NodeMessage): void {
    if (message.kind !== 'load') return this.orders.hear(source, message);
    const host = hostOfId(this.state, source);
    if (host !== undefined) this.loads.note(host, message, performance.now());
  }

  private obey(action: OrderAction, durationMs: number | undefined): OrderOutcome {
    if (action === 'drain') return this.drain.drain(durationMs);
    if (action === 'undrain') return this.drain.undrain();
    return this.abdication.abdicate(durationMs);
  }
}
