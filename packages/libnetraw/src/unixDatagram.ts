import assert from 'node:assert/strict';
import { AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM } from './libc/constants.js';
import { libc, openSocket, retryInterrupted, SystemError } from './libc/index.js';

/** struct sockaddr_un: u16 family, then the path. */
const FAMILY_BYTES = 2;
const LONGEST_PATH_BYTES = 108;

/**
 * Datagrams to one Unix socket, for protocols that Node has no socket for, such as systemd's notifications.
 * A name that starts with `@` is of the abstract namespace (unix(7)).
 */
export class UnixDatagramSender {
  readonly #fd: number;
  readonly #address: Uint8Array;
  readonly #doing: string;

  /** Throws {@link SystemError} (`EMFILE`), and an `AssertionError` for a name that is empty or too long. */
  constructor(path: string) {
    const name = new TextEncoder().encode(path);
    assert(name.length > 0 && name.length < LONGEST_PATH_BYTES, `not a name for a Unix socket: ${path}`);
    this.#doing = `sending to the socket ${path}`;
    const isAbstract = path.startsWith('@');
    // The length of an abstract name counts; a path ends with a zero.
    this.#address = new Uint8Array(FAMILY_BYTES + name.length + (isAbstract ? 0 : 1));
    new Uint16Array(this.#address.buffer, 0, 1)[0] = AF_UNIX;
    this.#address.set(name, FAMILY_BYTES);
    if (isAbstract) this.#address[FAMILY_BYTES] = 0;
    this.#fd = openSocket(AF_UNIX, SOCK_DGRAM, 0, this.#doing);
  }

  /**
   * Sends one datagram, without waiting.
   * @throws SystemError `ENOENT` and `ECONNREFUSED` (nobody is there), `EAGAIN` (its queue is full), `EACCES`
   */
  send(datagram: Uint8Array): void {
    const result = retryInterrupted(() =>
      libc().sendto(this.#fd, datagram, datagram.length, MSG_DONTWAIT, this.#address, this.#address.length),
    );
    if (result < 0) throw new SystemError(-result, { syscall: 'sendto', doing: this.#doing });
  }

  close(): void {
    libc().close(this.#fd);
  }
}
