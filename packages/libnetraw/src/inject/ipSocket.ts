import { libc, openSocket, SystemError } from '../libc/index.js';
import {
  AF_INET,
  AF_INET6,
  EAFNOSUPPORT,
  EINVAL,
  IPPROTO_RAW,
  MSG_DONTWAIT,
  SOCK_RAW,
} from '../libc/constants.js';
import { retryInterrupted } from '../libc/socket.js';

/** Bytes of a header without options, and where the destination is in it. */
const LAYOUT = {
  4: { headerBytes: 20, destinationAt: 16, addressBytes: 4 },
  6: { headerBytes: 40, destinationAt: 24, addressBytes: 16 },
} as const;

/**
 * Whole IP packets out by the host's own routing, which finds the interface and the neighbour (raw(7), IPPROTO_RAW). The
 * source address may be anybody's. IPv4 header checksums are the kernel's work, transport checksums are not.
 */
export class IpSocket {
  readonly #fd: number;
  readonly #family: 4 | 6;
  #closed = false;

  private constructor(fd: number, family: 4 | 6) {
    this.#fd = fd;
    this.#family = family;
  }

  /** Throws {@link SystemError}: `EPERM` without CAP_NET_RAW, `EAFNOSUPPORT` without IPv6. */
  static open(family: 4 | 6): IpSocket {
    const domain = family === 4 ? AF_INET : AF_INET6;
    return new IpSocket(
      openSocket(domain, SOCK_RAW, IPPROTO_RAW, `opening a raw IPv${family} socket`),
      family,
    );
  }

  /**
   * Sends a packet, IP header first, to its destination; does not wait. Throws {@link SystemError}: `EMSGSIZE` (larger
   * than the route's MTU: nothing is fragmented), `ENETUNREACH`, `EHOSTUNREACH`, `EAGAIN`, `ENOBUFS`, `EINVAL`.
   */
  send(packet: Uint8Array): void {
    const doing = `sending an IPv${this.#family} packet`;
    const { headerBytes, destinationAt, addressBytes } = LAYOUT[this.#family];
    if (packet.length < headerBytes) throw new SystemError(EINVAL, { syscall: 'sendto', doing });
    if (packet[0] >>> 4 !== this.#family) throw new SystemError(EAFNOSUPPORT, { syscall: 'sendto', doing });
    const address = sockaddr(this.#family, packet.subarray(destinationAt, destinationAt + addressBytes));
    const result = retryInterrupted(() =>
      libc().sendto(this.#fd, packet, packet.length, MSG_DONTWAIT, address, address.length),
    );
    if (result < 0) throw new SystemError(-result, { syscall: 'sendto', doing });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc().close(this.#fd);
  }
}

/** struct sockaddr_in { family, port, address, 8 bytes } or sockaddr_in6 { family, port, flow, address, scope }. */
function sockaddr(family: 4 | 6, address: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(family === 4 ? 16 : 28);
  new Uint16Array(bytes.buffer, 0, 1)[0] = family === 4 ? AF_INET : AF_INET6;
  bytes.set(address, family === 4 ? 4 : 8);
  return bytes;
}
