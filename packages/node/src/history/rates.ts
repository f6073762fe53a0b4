import type { StatusDocument } from '../control/status.js';

/** What a second brought, on the node that is asked. */
export interface Rates {
  readonly framesPerSecond: number;
  readonly droppedPerSecond: number;
  readonly newPerSecond: number;
}

type Counters = StatusDocument['counters'];

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const dropsOf = ({ dropped }: Counters): number =>
  Object.values(dropped).reduce((total, value) => total + value, 0);
const newOf = ({ events }: Counters): number =>
  typeof events === 'object' ? numberOf(events['scheduled']) : 0;

/**
 * From the counters of two status documents that are `ms` apart. Counters that went back are those of a node that was started
 * again: nothing is known of that time.
 */
export function ratesOf(before: Counters, now: Counters, ms: number): Rates {
  const perSecond = (count: (counters: Counters) => number): number =>
    ms <= 0 ? 0 : Math.max(0, ((count(now) - count(before)) * 1000) / ms);
  return {
    framesPerSecond: perSecond(({ frames }) => numberOf(frames)),
    droppedPerSecond: perSecond(dropsOf),
    newPerSecond: perSecond(newOf),
  };
}
