import { dropReasonNames, verdictNames } from './verdicts.js';

/** Cells of a counter array: verdicts from 0, events from 16, drops by reason from 32. Append-only, as verdicts are. */
export const COUNTER_CELLS = 128;

/** Where the events are, beside the verdicts. */
export const Counter = {
  /** A new connection was given to a server. */
  scheduled: 16,
  /** A SYN began a known tuple anew, because the old connection was closing or its server gone. */
  restarted: 17,
  /** A half-open connection made room for another. */
  evictedHalfOpen: 18,
  /** A closing connection made room for another. */
  evictedClosing: 19,
  /** A connection was idle for longer than its state allows. */
  expired: 20,
  /** A connection was entered from a server's report. */
  entered: 21,
  /** A frame of no known connection went back out towards the new dispatcher. */
  passedOn: 22,
  /** Another host claims a cluster address over ARP. */
  arpConflict: 23,
  /** A held frame was given back. */
  released: 24,
} as const;

const FIRST_DROP = 32;

/** The cell that counts a drop reason. */
export function dropCounter(reason: number): number {
  return FIRST_DROP + reason;
}

/** The counters by name, for status documents and metrics. */
export function describeCounters(cells: ArrayLike<number>): {
  verdicts: Record<string, number>;
  events: Record<string, number>;
  drops: Record<string, number>;
} {
  return {
    verdicts: Object.fromEntries(verdictNames.map((name, verdict) => [name, cells[verdict]])),
    events: Object.fromEntries(Object.entries(Counter).map(([name, cell]) => [name, cells[cell]])),
    drops: Object.fromEntries(
      dropReasonNames.flatMap((name, reason) => (reason === 0 ? [] : [[name, cells[dropCounter(reason)]]])),
    ),
  };
}
