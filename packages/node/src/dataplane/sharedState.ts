import { COUNTER_CELLS, describeCounters } from '@ringmaster/dispatch';
import type { SenderCounters } from 'libnetraw';
import type { WayCounters } from './outbox.js';
import type { PlaneFigures } from './types.js';

const WORD_BYTES = 64;
const SENDER_FIELDS: readonly (keyof SenderCounters)[] = [
  'sent',
  'sentBytes',
  'droppedBusy',
  'droppedTooLarge',
  'droppedDown',
  'droppedRefused',
];
/** 32-bit words, for `Atomics`. */
const Word = { mail: 0, closing: 1, routedBytesWaiting: 2 } as const;
/** 64-bit cells, each written by one thread only. */
const Cell = {
  leaseUntilMs: 0,
  frames: 1,
  batches: 2,
  ringDropped: 3,
  truncated: 4,
  heldFrames: 5,
  total: 6,
  halfOpen: 7,
  established: 8,
  closing: 9,
  unrouted: 10,
  routed: 11,
  routeFailed: 12,
  handshakesDropped: 13,
  inner: 14,
  outer: 14 + SENDER_FIELDS.length,
  loopback: 14 + 2 * SENDER_FIELDS.length,
} as const;
const CELLS = Cell.loopback + SENDER_FIELDS.length;

/** What the worker notes after each turn; see {@link PlaneFigures}. */
export interface Figures {
  frames: number;
  batches: number;
  ringDropped: number;
  handshakesDropped: number;
  truncated: number;
  heldFrames: number;
  /** Frames of unknown next hop that found no room on their way to the host's routing. */
  unrouted: number;
}

/**
 * Memory that the main thread and the worker share, so that counters are read and the lease is renewed without a message.
 * A cell is eight aligned bytes with one writer: readers see an old or a new number, never half of one.
 */
export class SharedState {
  readonly buffer: SharedArrayBuffer;
  /** The dispatcher counts here. */
  readonly counters: Float64Array;
  readonly #words: Int32Array;
  readonly #cells: Float64Array;

  /** @param buffer that of the other thread; absent: a new one. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(WORD_BYTES + (CELLS + COUNTER_CELLS) * 8);
    this.#words = new Int32Array(this.buffer, 0, WORD_BYTES / 4);
    this.#cells = new Float64Array(this.buffer, WORD_BYTES, CELLS);
    this.counters = new Float64Array(this.buffer, WORD_BYTES + CELLS * 8, COUNTER_CELLS);
  }

  /** Until when this node may dispatch, on the clock of `monotonicMs`. 0 at first: not at all. */
  get leaseUntilMs(): number {
    return this.#cells[Cell.leaseUntilMs];
  }

  set leaseUntilMs(untilMs: number) {
    this.#cells[Cell.leaseUntilMs] = untilMs;
  }

  /** Says that a message lies in the port, which is cheaper to see than the port is to ask. */
  announceMail(): void {
    Atomics.add(this.#words, Word.mail, 1);
  }

  /** Changes with every message. */
  get mail(): number {
    return Atomics.load(this.#words, Word.mail);
  }

  requestClose(): void {
    Atomics.store(this.#words, Word.closing, 1);
  }

  get closeRequested(): boolean {
    return Atomics.load(this.#words, Word.closing) === 1;
  }

  /** Bytes of packets that the worker has handed over and the main thread has not yet sent. */
  get routedBytesWaiting(): number {
    return Atomics.load(this.#words, Word.routedBytesWaiting);
  }

  /** @param bytes negative when they have been sent */
  addRoutedBytesWaiting(bytes: number): void {
    Atomics.add(this.#words, Word.routedBytesWaiting, bytes);
  }

  /** The main thread's: one more packet was given to the host's routing, or was refused by it. */
  countRouted(wasSent: boolean): void {
    this.#cells[wasSent ? Cell.routed : Cell.routeFailed] += 1;
  }

  /** The worker's: shows what it has counted. */
  publish(figures: Figures, connections: PlaneFigures['connections']): void {
    const cells = this.#cells;
    cells[Cell.frames] = figures.frames;
    cells[Cell.batches] = figures.batches;
    cells[Cell.ringDropped] = figures.ringDropped;
    cells[Cell.handshakesDropped] = figures.handshakesDropped;
    cells[Cell.truncated] = figures.truncated;
    cells[Cell.heldFrames] = figures.heldFrames;
    cells[Cell.unrouted] = figures.unrouted;
    cells[Cell.total] = connections.total;
    cells[Cell.halfOpen] = connections.halfOpen;
    cells[Cell.established] = connections.established;
    cells[Cell.closing] = connections.closing;
  }

  /** The worker's: shows what its senders have counted. */
  publishSenders({ inner, outer, loopback }: WayCounters): void {
    this.#publishSender(Cell.inner, inner);
    if (outer !== undefined) this.#publishSender(Cell.outer, outer);
    this.#publishSender(Cell.loopback, loopback);
  }

  /** Everything, by name. */
  read(): PlaneFigures {
    const cells = this.#cells;
    return {
      ...describeCounters(this.counters),
      connections: {
        total: cells[Cell.total],
        halfOpen: cells[Cell.halfOpen],
        established: cells[Cell.established],
        closing: cells[Cell.closing],
      },
      heldFrames: cells[Cell.heldFrames],
      frames: cells[Cell.frames],
      batches: cells[Cell.batches],
      ringDropped: cells[Cell.ringDropped],
      handshakesDropped: cells[Cell.handshakesDropped],
      truncated: cells[Cell.truncated],
      routed: { sent: cells[Cell.routed], dropped: cells[Cell.routeFailed] + cells[Cell.unrouted] },
      wire: this.#sender(Cell.inner),
      outside: this.#sender(Cell.outer),
      loopback: this.#sender(Cell.loopback),
    };
  }

  /** In the order of `SENDER_FIELDS`, written out: it runs every turn, and fields by name are looked up each time. */
  #publishSender(first: number, counters: SenderCounters): void {
    const cells = this.#cells;
    cells[first] = counters.sent;
    cells[first + 1] = counters.sentBytes;
    cells[first + 2] = counters.droppedBusy;
    cells[first + 3] = counters.droppedTooLarge;
    cells[first + 4] = counters.droppedDown;
    cells[first + 5] = counters.droppedRefused;
  }

  #sender(first: number): SenderCounters {
    const entries = SENDER_FIELDS.map((field, i) => [field, this.#cells[first + i]]);
    return Object.fromEntries(entries) as SenderCounters;
  }
}
