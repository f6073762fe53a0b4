/** The middle value; the mean of the two middle ones for an even count. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle];
  return (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Ratios of values that were measured side by side, round by round. */
export interface RatioSummary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Divides each round's value by the same round's base: what disturbs the machine disturbs both, so these ratios say
 * more than a ratio of medians. Both lists have one value a round.
 */
export function pairedRatios(values: readonly number[], bases: readonly number[]): RatioSummary {
  const ratios = values.map((value, round) => value / bases[round]);
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

/** The smallest value that at least this share of the values does not exceed; NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
