/** What can go wrong between the node and the command line. `code` is stable; `message` says what to do. */
export type ControlProblemCode =
  | 'already-running'
  | 'not-running'
  | 'not-permitted'
  | 'socket-unusable'
  | 'timeout'
  | 'refused'
  | 'not-a-node';

export interface ControlProblem {
  readonly code: ControlProblemCode;
  readonly message: string;
  /** With `refused`: the whole of what the node has answered. */
  readonly answer?: unknown;
}

export type ControlResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: ControlProblem };

export const controlProblem = (
  code: ControlProblemCode,
  message: string,
): { ok: false; problem: ControlProblem } => ({ ok: false, problem: { code, message } });
