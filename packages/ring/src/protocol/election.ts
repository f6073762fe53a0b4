import type { Address } from '../address.js';

/** Which member dispatches (R18): the i-th smallest or i-th largest eligible address, counted from 1. */
export interface ElectionRule {
  readonly order: 'smallest' | 'largest';
  readonly position: number;
}

/**
 * The eligible members in the order in which the rule prefers them: the one at the rule's position first, then those
 * behind it, then those before it. With fewer members than the position the last one is preferred.
 */
export function preference(rule: ElectionRule, eligible: readonly Address[]): Address[] {
  const sorted = [...eligible].sort((a, b) => (rule.order === 'smallest' ? a - b : b - a));
  const start = Math.min(rule.position, sorted.length) - 1;
  return start <= 0 ? sorted : [...sorted.slice(start), ...sorted.slice(0, start)];
}
