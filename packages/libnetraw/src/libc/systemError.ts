import { getSystemErrorName } from 'node:util';

/** What the system call was for and what the user can do when it is refused; shown in the message. */
export interface SystemErrorContext {
  /** The call that failed, e.g. `socket`, `setsockopt(PACKET_RX_RING)`. */
  readonly syscall: string;
  /** What was being done, e.g. `opening a packet ring on eth0`. */
  readonly doing: string;
}

/** Cures that hold whatever was being done. Special ones are given by the caller in `doing`. */
const CURES: Readonly<Record<string, string>> = {
  EPERM: 'this needs CAP_NET_RAW and CAP_NET_ADMIN: run as root, or give the process these capabilities',
  EACCES: 'access is denied: run as root, or give the process CAP_NET_RAW and CAP_NET_ADMIN',
  ENODEV: 'there is no such network interface: `ip link` lists those that exist',
  ENOMEM: 'the kernel has not enough memory for it: ask for fewer or smaller slots',
  ENOBUFS: 'the kernel has no buffer for it: ask for fewer or smaller slots, or try again',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
  ENETDOWN: 'the interface is down: `ip link set NAME up`',
  EADDRNOTAVAIL: 'the host has no such address',
  EAFNOSUPPORT: 'the kernel was built without this protocol family',
};

/**
 * A system call that the kernel refused. `code` is the stable errno name (`EPERM`, `ENODEV`, ...), `syscall` names the
 * call, and `message` says what was being done, why it failed and what to do.
 */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  /** @param errno positive errno as the kernel gave it */
  constructor(errno: number, context: SystemErrorContext) {
    const code = errnoName(errno);
    const cure = CURES[code];
    super(
      `${context.doing}: ${context.syscall} failed with ${code}${cure === undefined ? '' : ` - ${cure}`}`,
    );
    this.name = 'SystemError';
    this.code = code;
    this.errno = errno;
    this.syscall = context.syscall;
  }
}

/** `13` -> `'EACCES'`; a number without a name becomes `'E13'`. */
export function errnoName(errno: number): string {
  try {
    const name = getSystemErrorName(-errno);
    return name.startsWith('Unknown') ? `E${errno}` : name;
  } catch {
    return `E${errno}`;
  }
}
