import { lastErrno, libc } from './bindings.js';
import { EINTR, SO_ERROR, SOCK_CLOEXEC, SOL_SOCKET } from './constants.js';
import { SystemError } from './systemError.js';

/** Opens a socket that children do not inherit. Throws {@link SystemError}. */
export function openSocket(domain: number, type: number, protocol: number, doing: string): number {
  const fd = libc().socket(domain, type | SOCK_CLOEXEC, protocol);
  if (fd < 0) throw new SystemError(lastErrno(), { syscall: 'socket', doing });
  return fd;
}

/** `setsockopt` with raw bytes; `name` is shown in the error. Throws {@link SystemError}. */
export function setOption(
  fd: number,
  level: number,
  option: number,
  value: Uint8Array,
  context: { name: string; doing: string },
): void {
  if (libc().setsockopt(fd, level, option, value, value.length) < 0) {
    throw new SystemError(lastErrno(), { syscall: `setsockopt(${context.name})`, doing: context.doing });
  }
}

/** `setsockopt` with one C `int`. Throws {@link SystemError}. */
export function setIntOption(
  fd: number,
  level: number,
  option: number,
  value: number,
  context: { name: string; doing: string },
): void {
  setOption(fd, level, option, int32(value), context);
}

/** `getsockopt` of one C `int`. Throws {@link SystemError}. */
export function getIntOption(
  fd: number,
  level: number,
  option: number,
  context: { name: string; doing: string },
): number {
  const value = int32(0);
  if (libc().getsockopt(fd, level, option, value, int32(value.length)) < 0) {
    throw new SystemError(lastErrno(), { syscall: `getsockopt(${context.name})`, doing: context.doing });
  }
  return new Int32Array(value.buffer)[0];
}

/** Binds to an address in its C form. Throws {@link SystemError}. */
export function bindSocket(fd: number, address: Uint8Array, doing: string): void {
  if (libc().bind(fd, address, address.length) < 0) {
    throw new SystemError(lastErrno(), { syscall: 'bind', doing });
  }
}

/** Reads and clears the pending error of a socket: a positive errno, or 0 for none. */
export function takeSocketError(fd: number): number {
  const value = new Int32Array(1);
  const lengthBytes = int32(4);
  if (libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, new Uint8Array(value.buffer), lengthBytes) < 0) {
    return lastErrno();
  }
  return value[0];
}

/** Repeats a call that a signal interrupted. Gives what the call returned, or the negative errno. */
export function retryInterrupted(call: () => number): number {
  for (;;) {
    const result = call();
    if (result >= 0) return result;
    const errno = lastErrno();
    if (errno !== EINTR) return -errno;
  }
}

/** A C `int` in the machine's byte order. */
export function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
