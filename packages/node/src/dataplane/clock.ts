import { performance } from 'node:perf_hooks';

/** The offset between this thread's `performance.now()` and the clock that all threads and processes share. */
const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/**
 * CLOCK_MONOTONIC in milliseconds: the same in every thread, not set back by anybody, and it goes on while this process is
 * stopped. Allocates nothing.
 */
export function monotonicMs(): number {
  return performance.now() + OFFSET_MS;
}
