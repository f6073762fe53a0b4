import { SystemError } from '../libc/index.js';
import { AF_INET, AF_INET6, ENOENT } from '../libc/constants.js';
import { NETLINK_SOCK_DIAG, NetlinkSocket } from './netlinkSocket.js';
import { dumpConnections, type TcpConnection6Filter, type TcpConnectionFilter } from './sockDiag.js';

const SOCK_DESTROY = 21;
const IPPROTO_TCP = 6;
/** struct inet_diag_req_v2: 8 bytes, then what names a socket; struct inet_diag_msg: 4 bytes, then the same. */
const REQUEST_BYTES = 56;
const REQUEST_ID = 8;
const MESSAGE_ID = 4;
const LOCAL_PORT = 4;
/** struct inet_diag_sockid: addresses, ports, and the socket's own cookie. */
const ID_BYTES = 48;
const EVERY_STATE = 0xffffffff;
const ESTALE = 116;
const EPERM = 1;
const EOPNOTSUPP = 95;

/**
 * Ends the connections over IPv4 that a filter chooses, as `ss --kill` does: the peer is sent a reset, and the program
 * that has the socket reads ECONNABORTED. Listening sockets stay. Returns how many it ended.
 *
 * Needs CAP_NET_ADMIN and a kernel with CONFIG_INET_DIAG_DESTROY, as distributions have it. Blocks the thread: a few
 * microseconds a connection. Throws {@link SystemError}: EOPNOTSUPP when the kernel cannot do it.
 */
export function endTcpConnections(filter: TcpConnectionFilter): number {
  return endAll([AF_INET, AF_INET6], filter);
}

/** The same for connections over IPv6. */
export function endTcpConnections6(filter: TcpConnection6Filter): number {
  return endAll([AF_INET6], filter);
}

function endAll(families: readonly number[], filter: TcpConnectionFilter | TcpConnection6Filter): number {
  const requests: Uint8Array[] = [];
  const ports = filter.ports && new Set(filter.ports);
  const limit = filter.limit ?? Infinity;
  dumpConnections(families, filter, (family, view, offset) => {
    if (requests.length >= limit || (ports && !ports.has(view.getUint16(offset + LOCAL_PORT)))) return;
    requests.push(
      endRequest(family, new Uint8Array(view.buffer, view.byteOffset + offset, MESSAGE_ID + ID_BYTES)),
    );
  });
  const doing = 'ending TCP connections of this host';
  const socket = new NetlinkSocket(NETLINK_SOCK_DIAG, doing);
  let ended = 0;
  try {
    for (const request of requests) {
      const errno = socket.change(SOCK_DESTROY, 0, request);
      if (errno === 0) ended++;
      // It has ended by itself. Without its cookie the kernel would take the listening socket for it.
      else if (errno !== ENOENT && errno !== ESTALE)
        throw new SystemError(errno, { syscall: 'SOCK_DESTROY', doing });
    }
  } finally {
    socket.close();
  }
  return ended;
}

/**
 * Whether the kernel can end connections (CONFIG_INET_DIAG_DESTROY): it is asked to end one that cannot be there.
 * Throws {@link SystemError}: `EPERM` without CAP_NET_ADMIN.
 */
export function canEndTcpConnections(): boolean {
  const doing = 'asking whether the kernel can end TCP connections';
  const socket = new NetlinkSocket(NETLINK_SOCK_DIAG, doing);
  try {
    const nobody = new Uint8Array(MESSAGE_ID + ID_BYTES);
    const errno = socket.change(SOCK_DESTROY, 0, endRequest(AF_INET, nobody));
    if (errno === EPERM) throw new SystemError(errno, { syscall: 'SOCK_DESTROY', doing });
    return errno !== EOPNOTSUPP;
  } finally {
    socket.close();
  }
}

function endRequest(family: number, message: Uint8Array): Uint8Array {
  const request = new Uint8Array(REQUEST_BYTES);
  request[0] = family;
  request[1] = IPPROTO_TCP;
  new DataView(request.buffer).setUint32(4, EVERY_STATE, true);
  request.set(message.subarray(MESSAGE_ID), REQUEST_ID);
  return request;
}
