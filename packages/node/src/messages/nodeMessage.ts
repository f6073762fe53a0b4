/**
 * What nodes tell each other in `application` messages of the ring, whose envelope has authenticated them. Big-endian:
 * version (1), kind (1), body. Layouts: docs/protocol.md, "What nodes tell each other". Decoders return `undefined` for
 * whatever is not exactly one message of this version.
 */
import { ByteReader, ByteWriter } from '@ringmaster/ring';

const VERSION = 1;
const Kind = { load: 1, order: 2, answer: 3 } as const;

/** Fits 4 bytes; the greatest value says "none". */
const NONE = 0xffff_ffff;
const GREATEST = NONE - 1;

/** A node's load, told to everybody about once a second. */
export interface LoadReport {
  readonly kind: 'load';
  /** Open connections to its services, as its kernel counts them. */
  readonly connections: number;
  /** Connections that it accepts a second; one decimal. */
  readonly newPerSecond: number;
  /** Connections that wait to be accepted, in all its services, and how many may. */
  readonly acceptQueue: number;
  readonly acceptQueueLimit: number;
  /** How long its slowest service takes to answer a health check; microseconds are kept. */
  readonly responseMs: number | undefined;
  /** Of a drain with a deadline: how long until then. */
  readonly deadlineInMs: number | undefined;
}

/** Codes of what a node may be told to do; never reused. */
const ACTIONS = { drain: 1, undrain: 2, abdicate: 3 } as const;
export type OrderAction = keyof typeof ACTIONS;

/** An operator's wish, sent to the node that it concerns; repeated with the same number until that answers. */
export interface Order {
  readonly kind: 'order';
  /** Random, 48 bits: tells a repetition from another order. */
  readonly number: number;
  readonly action: OrderAction;
  /** Drain: until the deadline. Abdicate: for how long. */
  readonly durationMs: number | undefined;
}

/** Codes of what becomes of an order; never reused. */
const OUTCOMES = { done: 0, already: 1, notServing: 2, notDispatching: 3, noSuccessor: 4 } as const;
export type OrderOutcome = keyof typeof OUTCOMES;

export interface OrderAnswer {
  readonly kind: 'answer';
  /** Of the order. */
  readonly number: number;
  readonly outcome: OrderOutcome;
}

export type NodeMessage = LoadReport | Order | OrderAnswer;

const NUMBER_BYTES = 6;

export function encodeNodeMessage(message: NodeMessage): Uint8Array {
  const writer = new ByteWriter(32).uint(VERSION, 1).uint(Kind[message.kind], 1);
  switch (message.kind) {
    case 'load':
      writer.uint(bounded(message.connections), 4).uint(bounded(message.newPerSecond * 10), 4);
      writer.uint(bounded(message.acceptQueue), 4).uint(bounded(message.acceptQueueLimit), 4);
      writer.uint(optional(message.responseMs && message.responseMs * 1000), 4);
      return writer.uint(optional(message.deadlineInMs), 4).finish();
    case 'order':
      writer.uint(message.number, NUMBER_BYTES).uint(ACTIONS[message.action], 1);
      return writer.uint(optional(message.durationMs), 4).finish();
    case 'answer':
      return writer.uint(message.number, NUMBER_BYTES).uint(OUTCOMES[message.outcome], 1).finish();
  }
}

export function decodeNodeMessage(body: Uint8Array): NodeMessage | undefined {
  const reader = new ByteReader(body);
  if (reader.uint(1) !== VERSION) return undefined;
  const message = decodeBody(reader, reader.uint(1));
  return reader.bad || reader.remaining > 0 ? undefined : message;
}

function decodeBody(reader: ByteReader, kind: number): NodeMessage | undefined {
  if (kind === Kind.load) return decodeLoad(reader);
  const number = reader.uint(NUMBER_BYTES);
  const code = reader.uint(1);
  if (kind === Kind.answer) {
    const outcome = named(OUTCOMES, code);
    return outcome && { kind: 'answer', number, outcome };
  }
  const action = named(ACTIONS, code);
  const durationMs = present(reader.uint(4));
  return kind === Kind.order && action ? { kind: 'order', number, action, durationMs } : undefined;
}

function decodeLoad(reader: ByteReader): LoadReport {
  const connections = count(reader);
  const newPerSecond = count(reader) / 10;
  const acceptQueue = count(reader);
  const acceptQueueLimit = count(reader);
  const responseUs = present(reader.uint(4));
  const responseMs = responseUs === undefined ? undefined : responseUs / 1000;
  const deadlineInMs = present(reader.uint(4));
  return { kind: 'load', connections, newPerSecond, acceptQueue, acceptQueueLimit, responseMs, deadlineInMs };
}

/** What has to be there. */
function count(reader: ByteReader): number {
  const value = reader.uint(4);
  if (value === NONE) reader.bad = true;
  return value;
}

const bounded = (value: number): number => Math.min(GREATEST, Math.max(0, Math.round(value)));
const optional = (value: number | undefined): number => (value === undefined ? NONE : bounded(value));
const present = (value: number): number | undefined => (value === NONE ? undefined : value);

function named<T extends string>(codes: Readonly<Record<T, number>>, code: number): T | undefined {
  return (Object.keys(codes) as T[]).find((name) => codes[name] === code);
}
