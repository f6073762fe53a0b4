import { lastErrno, libc, SystemError } from './libc/index.js';

/** EFD_CLOEXEC | EFD_NONBLOCK, linux/eventfd.h. */
const EVENTFD_FLAGS = 0o2000000 | 0o4000;

/**
 * Wakes a thread that blocks in a poll, from any other thread of the process: an eventfd. The number `fd` may be sent to
 * a worker, which makes its own handle with {@link Wake.of}. The creator closes it, after everybody has stopped.
 */
export class Wake {
  readonly fd: number;
  readonly #buffer = new Uint8Array(8);

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Throws {@link SystemError} (`EMFILE`). */
  static create(): Wake {
    const fd = libc().eventfd(0, EVENTFD_FLAGS);
    if (fd < 0) throw new SystemError(lastErrno(), { syscall: 'eventfd', doing: 'creating a wake-up' });
    return new Wake(fd);
  }

  /** A second handle on the same wake-up, for another thread. */
  static of(fd: number): Wake {
    return new Wake(fd);
  }

  /** Makes the poll of the other thread return, now or as soon as it polls. Any number of signals make one wake-up. */
  signal(): void {
    const one = new Uint8Array(BigUint64Array.of(1n).buffer);
    libc().write(this.fd, one, one.length);
  }

  /** Forgets the signals so far: call it after the poll returned and before looking at what the other thread left. */
  clear(): void {
    libc().read(this.fd, this.#buffer, this.#buffer.length);
  }

  close(): void {
    libc().close(this.fd);
  }
}
