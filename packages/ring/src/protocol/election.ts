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

/**
 * The first of {@link preference}, without working out the others: `eligible` is asked for the address at a place of the
 * order of all addresses, `undefined` where the member there may not dispatch. Asked with nearly every packet.
 */
export function elected(
  rule: ElectionRule,
  places: number,
  eligible: (place: number) => Address | undefined,
): Address | undefined {
  let found: Address | undefined;
  let left = rule.position;
  for (let i = 0; i < places && left > 0; i++) {
    const address = eligible(rule.order === 'smallest' ? i : places - 1 - i);
    if (address === undefined) continue;
    found = address;
    left--;
  }
  return found;
}
