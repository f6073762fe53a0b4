/** What `doctor` finds. */
import type { HostProblem } from '@ringmaster/node';
import type { CheckName } from './catalogue.js';
import type { Remedy } from './remedy.js';

export type FindingLevel = 'ok' | 'warning' | 'error';

export interface Finding {
  /** Stable name of the check, for scripts. */
  readonly check: CheckName;
  readonly level: FindingLevel;
  /** What is the case. */
  readonly what: string;
  /** Why that matters; absent when all is well. */
  readonly why?: string;
  /** What to do; absent when all is well. */
  readonly cure?: string;
  /** What `--fix` would do; absent when that is for people to decide. */
  readonly remedy?: Remedy;
}

export const fine = (check: CheckName, what: string): Finding => ({ check, level: 'ok', what });

export const warning = (
  check: CheckName,
  what: string,
  why: string,
  cure: string,
  remedy?: Remedy,
): Finding => ({ check, level: 'warning', what, why, cure, ...(remedy && { remedy }) });

export const error = (
  check: CheckName,
  what: string,
  why: string,
  cure: string,
  remedy?: Remedy,
): Finding => ({ check, level: 'error', what, why, cure, ...(remedy && { remedy }) });

/** What would keep a node from starting, in its own words: what is the case; what to do. */
export function problem(check: CheckName, { message }: HostProblem, why: string, remedy?: Remedy): Finding {
  const [what, ...cure] = message.split('; ');
  return error(check, what, why, cure.join('; '), remedy);
}
