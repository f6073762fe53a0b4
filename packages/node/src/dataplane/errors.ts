/** Why there is no data plane, or it has trouble. Stable. */
export type DataPlaneErrorCode =
  /** No right to open packet sockets. */
  | 'not-permitted'
  | 'no-such-interface'
  /** The interface went down or was removed; frames come again once it is up. */
  | 'interface-down'
  /** The kernel refused something else. */
  | 'system'
  /** The worker ended by an error of the program. */
  | 'worker-failed';

/** An operating error of the data plane; the message says what to do. */
export class DataPlaneError extends Error {
  readonly code: DataPlaneErrorCode;

  constructor(code: DataPlaneErrorCode, message: string) {
    super(message);
    this.name = 'DataPlaneError';
    this.code = code;
  }
}

/** An error that crosses threads. `code` is an errno name (`EPERM`) or absent. */
export interface Problem {
  readonly code: string | undefined;
  readonly message: string;
}

const CODES: Readonly<Record<string, DataPlaneErrorCode>> = {
  EPERM: 'not-permitted',
  EACCES: 'not-permitted',
  ENODEV: 'no-such-interface',
  ENETDOWN: 'interface-down',
};

/** What was thrown, in a form that crosses threads. */
export function toProblem(error: unknown): Problem {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  return { code: 'code' in error ? String(error.code) : undefined, message: error.message };
}

/** A problem of the worker as an error of the data plane. */
export function toError({ code, message }: Problem): DataPlaneError {
  if (code === undefined) return new DataPlaneError('worker-failed', message);
  return new DataPlaneError(CODES[code] ?? 'system', message);
}
