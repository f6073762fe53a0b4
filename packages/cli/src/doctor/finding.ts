/** What `doctor` finds. */
import type { HostProblem } from '@ringmaster/node';

export type FindingLevel = 'ok' | 'warning' | 'error';

export interface Finding {
  /** Stable name of the check, for scripts. */
  readonly check: string;
  readonly level: FindingLevel;
  /** What is the case. */
  readonly what: string;
  /** Why that matters; absent when all is well. */
  readonly why?: string;
  /** What to do; absent when all is well. */
  readonly cure?: string;
}

export const fine = (check: string, what: string): Finding => ({ check, level: 'ok', what });

export const warning = (check: string, what: string, why: string, cure: string): Finding => ({
  check,
  level: 'warning',
  what,
  why,
  cure,
});

export const error = (check: string, what: string, why: string, cure: string): Finding => ({
  check,
  level: 'error',
  what,
  why,
  cure,
});

/** What would keep a node from starting, in its own words: what is the case; what to do. */
export function problem(check: string, { message }: HostProblem, why: string): Finding {
  const [what, ...cure] = message.split('; ');
  return error(check, what, why, cure.join('; '));
}
