import { randomBytes } from 'node:crypto';
import type { Address, RingState } from '@ringmaster/ring';
import { formatIpv4, ID_NONE } from '@ringmaster/ring';
import type { OrderDocument, OrderRequest, OrderResult } from '../control/index.js';
import type { Order, OrderAction, OrderAnswer, OrderOutcome } from '../messages/nodeMessage.js';
import { encodeNodeMessage, type NodeMessage } from '../messages/nodeMessage.js';
import { hostedMembers, ownHost } from './hosts.js';
import { OneByOne } from './oneByOne.js';

export interface OrdersParts {
  readonly state: RingState;
  /** Sends an application message to the member with this id. */
  readonly send: (destination: number, body: Uint8Array) => void;
  /** Does what this node is told to do. */
  readonly obey: (action: OrderAction, durationMs: number | undefined) => OrderOutcome;
}

/** A message may be lost: it is repeated so often, until it is answered or this is over. */
const REPEAT_MS = 200;
const PATIENCE_MS = 2000;
/** Answers that are remembered for repetitions of their orders. */
const MAX_REMEMBERED = 256;

/** Orders that wait for those before them. One takes {@link PATIENCE_MS} at most. */
export const MOST_WAITING = 16;

interface Pending {
  readonly resolve: (outcome: OrderOutcome) => void;
}

/** Somebody of whom nothing can be asked: not in the ring, or unknown. */
export class OrderRefused extends Error {}

/** Too many wait already. */
export class OrdersBusy extends Error {
  /** By then there is room again. */
  readonly retryAfterMs = PATIENCE_MS;
}

/**
 * What operators ask of nodes (drain, undrain, abdicate), at the control socket of whichever node: carried out here if it is
 * for this one, else sent to the one that it concerns, which answers. Orders from one node follow one another; those that
 * reach a node are carried out in the order in which they reach it, each once.
 */
export class Orders {
  private readonly parts: OrdersParts;
  private readonly pending = new Map<number, Pending>();
  private readonly answered = new Map<number, OrderOutcome>();
  /** The one that is being carried out, and those that wait for it. */
  private readonly undone = new OneByOne(1 + MOST_WAITING);

  constructor(parts: OrdersParts) {
    this.parts = parts;
  }

  /**
   * Carries an order out on all its members at once, after those that came before it. Rejects with {@link OrderRefused},
   * having changed nothing, when one of them is not in the ring, and with {@link OrdersBusy} when {@link MOST_WAITING} wait.
   */
  execute(request: OrderRequest): Promise<OrderDocument> {
    if (this.undone.isFull) {
      return Promise.reject(
        new OrdersBusy(`${MOST_WAITING} orders wait at this node already; try again later`),
      );
    }
    return this.undone.add(() => this.carryOut(request));
  }

  /** A message for this node from the member with id `source`. */
  hear(source: number, message: NodeMessage): void {
    if (message.kind === 'order') this.obey(source, message);
    if (message.kind === 'answer') this.settle(message);
  }

  private async carryOut({ action, addresses, durationMs }: OrderRequest): Promise<OrderDocument> {
    const targets = [...new Set(addresses)].map((address) => ({ address, id: this.idOf(address) }));
    const servers = await Promise.all(
      targets.map(async ({ address, id }): Promise<OrderResult> => {
        const outcome =
          id === undefined ? this.parts.obey(action, durationMs) : await this.ask(id, action, durationMs);
        return { address, outcome };
      }),
    );
    return { servers };
  }

  /** `undefined` for this node itself. */
  private idOf(address: string): number | undefined {
    const { state } = this.parts;
    if (address === formatIpv4(ownHost(state))) return undefined;
    const members = hostedMembers(state);
    const member = members.find(({ host }) => formatIpv4(host) === address)?.member;
    if (member === undefined) {
      const known = [ownHost(state), ...members.map(({ host }) => host)].map((host: Address) =>
        formatIpv4(host),
      );
      throw new OrderRefused(`${address} is no member of this ring; its members are ${known.join(', ')}`);
    }
    if (!member.active)
      throw new OrderRefused(`${address} is not in the ring at present; nothing was changed`);
    if (member.id === ID_NONE || state.id === ID_NONE)
      throw new OrderRefused(`${address} cannot be told yet, the ring is being rebuilt; try again`);
    return member.id;
  }

  private ask(
    id: number,
    action: OrderAction,
    durationMs: number | undefined,
  ): Promise<OrderOutcome | 'unanswered'> {
    const order: Order = { kind: 'order', number: randomBytes(6).readUIntBE(0, 6), action, durationMs };
    const body = encodeNodeMessage(order);
    return new Promise((resolve) => {
      const send = (): void => this.parts.send(id, body);
      const repeat = setInterval(send, REPEAT_MS);
      const end = (outcome: OrderOutcome | 'unanswered'): void => {
        clearInterval(repeat);
        clearTimeout(patience);
        this.pending.delete(order.number);
        resolve(outcome);
      };
      const patience = setTimeout(() => end('unanswered'), PATIENCE_MS);
      this.pending.set(order.number, { resolve: end });
      send();
    });
  }

  private obey(source: number, { number, action, durationMs }: Order): void {
    const outcome = this.answered.get(number) ?? this.parts.obey(action, durationMs);
    this.answered.set(number, outcome);
    for (const oldest of this.answered.keys()) {
      if (this.answered.size <= MAX_REMEMBERED) break;
      this.answered.delete(oldest);
    }
    this.parts.send(source, encodeNodeMessage({ kind: 'answer', number, outcome }));
  }

  private settle({ number, outcome }: OrderAnswer): void {
    this.pending.get(number)?.resolve(outcome);
  }
}
