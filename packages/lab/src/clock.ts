/**
 * Milliseconds of CLOCK_MONOTONIC, with fractions. It is one clock for the whole machine, so times taken in different
 * processes of the lab can be compared; it does not jump.
 */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
