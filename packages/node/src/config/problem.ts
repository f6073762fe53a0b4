/**
 * What can be wrong with a configuration, said so that the reader knows where to look and what to write.
 * A problem carries the path inside the file (`clusters[0].ports[1].port`) and, where the file was readable, a line.
 */

/** Stable codes: scripts and tests may compare them. */
export type ConfigProblemCode =
  | 'unreadable'
  | 'syntax'
  | 'unknown-key'
  | 'missing'
  | 'invalid'
  | 'conflict'
  | 'unsupported'
  | 'key-missing'
  | 'key-invalid';

/** Steps from the top of the file to a value: keys of mappings and positions in lists. */
export type ConfigPath = readonly (string | number)[];

export interface ConfigProblem {
  readonly code: ConfigProblemCode;
  readonly path: ConfigPath;
  /** Counted from 1. Absent when the problem has no place in the text. */
  readonly line?: number;
  readonly message: string;
}

export type ConfigResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** `['clusters', 0, 'address']` as `clusters[0].address`. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** One line: `ringmaster.yaml:12: clusters[0].mode: expected ..., found ...`. */
export function formatProblem(file: string, problem: ConfigProblem): string {
  const place = problem.line === undefined ? file : `${file}:${problem.line}`;
  const path = formatPath(problem.path);
  return path === '' ? `${place}: ${problem.message}` : `${place}: ${path}: ${problem.message}`;
}

const SHOWN_LENGTH = 60;

/** A found value in the words of the file: strings quoted and cut, collections by kind. */
export function showValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}...` : value);
}
