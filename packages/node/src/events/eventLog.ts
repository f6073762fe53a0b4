/** What has happened to this node, for people and programs that look on: `GET /events`, `ringmaster events`. */

/** Part of the interface: kinds are added, never renamed. docs/operations.md says what each is about. */
export const EVENT_KINDS = [
  'start',
  'stop',
  'role',
  'phase',
  'membership',
  'reassert',
  'rebuild',
  'health',
  'drain',
  'reload',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

type Fact = string | number | boolean | null;

export interface NodeEvent {
  /** Counts from 1 at the start of the node, without gaps. */
  readonly seq: number;
  /** Wall clock, ISO 8601 in UTC. */
  readonly at: string;
  readonly kind: EventKind;
  /** One sentence. */
  readonly text: string;
  /** The same in facts, by name. */
  readonly [fact: string]: Fact;
}

export interface EventLogOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** How many are kept. Default 1000. */
  readonly capacity?: number;
}

/** The last events, and whoever wants to hear of the next. Bounded. */
export class EventLog {
  private readonly options: EventLogOptions;
  private readonly kept: NodeEvent[] = [];
  private readonly listeners = new Set<(event: NodeEvent) => void>();
  private last = 0;

  constructor(options: EventLogOptions) {
    this.options = options;
  }

  add(kind: EventKind, text: string, facts: Readonly<Record<string, Fact>> = {}): void {
    const { nowMs, capacity = 1000 } = this.options;
    const event = { seq: ++this.last, at: new Date(nowMs()).toISOString(), kind, text, ...facts };
    this.kept.push(event);
    if (this.kept.length > capacity) this.kept.shift();
    for (const listener of [...this.listeners]) listener(event);
  }

  /** Those that are kept and came after the one with this number, oldest first. One that is yet to come is of an earlier start of the node: all. */
  after(seq: number): readonly NodeEvent[] {
    const first = this.last - this.kept.length;
    if (seq > this.last) return [...this.kept];
    return this.kept.slice(Math.max(0, seq - first));
  }

  /** Hears every event from now on. The returned function ends it. */
  subscribe(listener: (event: NodeEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
