/** What can stand in the way of a node on its host. `code` is stable; `message` says what to do. */
export type HostProblemCode =
  | 'no-such-interface'
  | 'interface-unusable'
  | 'no-address'
  | 'address-elsewhere'
  | 'address-conflict'
  | 'gateway-elsewhere'
  | 'table-in-use'
  | 'ipv6-disabled'
  | 'already-running'
  | 'not-permitted'
  | 'journal-unusable'
  | 'system';

export interface HostProblem {
  readonly code: HostProblemCode;
  readonly message: string;
}

export interface HostFailure {
  readonly ok: false;
  readonly problem: HostProblem;
}

export type HostResult<T> = { readonly ok: true; readonly value: T } | HostFailure;

export const hostProblem = (code: HostProblemCode, message: string): HostFailure => ({
  ok: false,
  problem: { code, message },
});

/** The errno name of whatever was thrown (`EPERM`), or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** A refused system call as a problem. */
export function systemProblem(error: unknown): HostFailure {
  const code = errorCode(error);
  const denied = code === 'EPERM' || code === 'EACCES' || code === 'EROFS';
  const message = error instanceof Error ? error.message : String(error);
  if (!denied) return hostProblem('system', message);
  const cure =
    'run as root, or give the process CAP_NET_ADMIN and CAP_NET_RAW (in a container also a writable /proc/sys)';
  return hostProblem('not-permitted', message.includes('CAP_NET_ADMIN') ? message : `${message}; ${cure}`);
}
