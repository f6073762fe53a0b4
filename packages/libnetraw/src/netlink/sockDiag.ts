import { SystemError } from '../libc/index.js';
import { AF_INET, AF_INET6, ENOENT } from '../libc/constants.js';
import { withAttributes } from './attributes.js';
import {
  ConnectionTable,
  ConnectionTable6,
  type TcpConnections,
  type TcpConnections6,
} from './connectionTable.js';
import { formatIp } from './ipText.js';
import { NETLINK_SOCK_DIAG, NetlinkSocket, type MessageVisitor } from './netlinkSocket.js';
import { CONNECTION_STATES, stateMask, type TcpStateName } from './tcpStates.js';

const SOCK_DIAG_BY_FAMILY = 20;
const IPPROTO_TCP = 6;
const REQUEST_BYTES = 56;
const MESSAGE_BYTES = 72;
const INET_DIAG_REQ_BYTECODE = 1;

// struct inet_diag_msg
const STATE = 1;
const LOCAL_PORT = 4;
const REMOTE_PORT = 6;
const LOCAL_ADDRESS = 8;
const REMOTE_ADDRESS = 24;
const RECEIVE_QUEUE = 56;
const WRITE_QUEUE = 60;

/** struct inet_diag_bc_op { u8 code, yes; u16 no } and struct inet_diag_hostcond { u8 family, prefix; s32 port; address } */
const INET_DIAG_BC_S_COND = 7;
const CONDITION_HEAD_BYTES = 12;
const ANY_PORT = -1;
/** The third word of an IPv4 address that IPv6 sockets carry (::ffff:a.b.c.d). */
const MAPPED_WORD = 0x0000_ffff;

interface Choice {
  /** Only connections to these ports of ours. Default: any. */
  readonly ports?: readonly number[];
  /** Only connections in these states. Default: all from SYN received to the last ACK, without TIME-WAIT. */
  readonly states?: readonly TcpStateName[];
  /** At most so many. Default 1,048,576. */
  readonly limit?: number;
}

export interface TcpConnectionFilter extends Choice {
  /** Only connections to this address of ours, as an unsigned number. Default: any. */
  readonly localAddress?: number;
}

export interface TcpConnection6Filter extends Choice {
  /** Only connections to this address of ours, 16 bytes. Default: any. */
  readonly localAddress?: Uint8Array;
}

const DEFAULT_LIMIT = 1_048_576;

/**
 * The TCP connections over IPv4 that the kernel of this network namespace has, those of dual-stack (`::`) listeners
 * included. Blocks the thread: about 2 microseconds a connection; call it in a worker when there may be many.
 *
 * Needs no privilege. Throws {@link SystemError}.
 */
export function listTcpConnections(filter: TcpConnectionFilter = {}): TcpConnections {
  const table = new ConnectionTable(filter.limit ?? DEFAULT_LIMIT);
  const code = filter.localAddress === undefined ? [] : bytecode(wordBytes(filter.localAddress), filter);
  const consistent = dumpFamilies([AF_INET, AF_INET6], filter, code, table, (family) =>
    connectionVisitor(family, table, filter.ports),
  );
  return table.finish(consistent);
}

/** The TCP connections over IPv6; otherwise like {@link listTcpConnections}. A kernel without IPv6 has none. */
export function listTcpConnections6(filter: TcpConnection6Filter = {}): TcpConnections6 {
  const table = new ConnectionTable6(filter.limit ?? DEFAULT_LIMIT);
  const code = filter.localAddress === undefined ? [] : bytecode(filter.localAddress, filter);
  const consistent = dumpFamilies([AF_INET6], filter, code, table, () =>
    connection6Visitor(table, filter.ports),
  );
  return table.finish(consistent);
}

/**
 * Visits each connection over IPv4 (both families, for dual-stack sockets) or IPv6 (that one alone), as its struct
 * inet_diag_msg at `offset`; `ports` of the filter are the visitor's business. One may be missing if they change meanwhile.
 */
export function dumpConnections(
  families: readonly number[],
  filter: TcpConnectionFilter | TcpConnection6Filter,
  visit: (family: number, view: DataView, offset: number) => void,
): void {
  const { localAddress } = filter;
  const address = typeof localAddress === 'number' ? wordBytes(localAddress) : localAddress;
  const code = address === undefined ? [] : bytecode(address, filter);
  const wantsMapped = families.includes(AF_INET);
  const nothing = { count: 0, truncate: () => {} };
  dumpFamilies(families, filter, code, nothing, (family) => (_type, view, offset, end) => {
    if (end - offset < MESSAGE_BYTES) return;
    if (family === AF_INET6 && isMapped(view, offset + LOCAL_ADDRESS) !== wantsMapped) return;
    visit(family, view, offset);
  });
}

/** Lists the sockets of some families into a table; returns whether nothing changed meanwhile. */
function dumpFamilies(
  families: readonly number[],
  filter: Choice,
  code: [number, Uint8Array][],
  table: { readonly count: number; truncate(count: number): void },
  visitorOf: (family: number) => MessageVisitor,
): boolean {
  const doing = 'listing the TCP connections of this host';
  const states = stateMask(filter.states ?? CONNECTION_STATES);
  const socket = new NetlinkSocket(NETLINK_SOCK_DIAG, doing);
  let consistent = true;
  try {
    for (const family of families) {
      const payload = withAttributes(diagRequest(family, states), code);
      const mark = table.count;
      const result = socket.dump(SOCK_DIAG_BY_FAMILY, payload, visitorOf(family), () => table.truncate(mark));
      checkDump(family, result.errno, doing);
      consistent &&= result.consistent;
    }
  } finally {
    socket.close();
  }
  return consistent;
}

function connectionVisitor(
  family: number,
  table: ConnectionTable,
  chosen: readonly number[] | undefined,
): MessageVisitor {
  const word = family === AF_INET ? 0 : 12;
  const ports = chosen && new Set(chosen);
  return (_type, view, offset, end) => {
    if (end - offset < MESSAGE_BYTES) return;
    if (family === AF_INET6 && !isMapped(view, offset + LOCAL_ADDRESS)) return;
    const localPort = view.getUint16(offset + LOCAL_PORT);
    if (ports !== undefined && !ports.has(localPort)) return;
    table.add(
      view.getUint32(offset + LOCAL_ADDRESS + word),
      localPort,
      view.getUint32(offset + REMOTE_ADDRESS + word),
      view.getUint16(offset + REMOTE_PORT),
      view.getUint8(offset + STATE),
    );
  };
}

function connection6Visitor(table: ConnectionTable6, chosen: readonly number[] | undefined): MessageVisitor {
  const ports = chosen && new Set(chosen);
  return (_type, view, offset, end) => {
    if (end - offset < MESSAGE_BYTES || isMapped(view, offset + LOCAL_ADDRESS)) return;
    const localPort = view.getUint16(offset + LOCAL_PORT);
    if (ports !== undefined && !ports.has(localPort)) return;
    const addressAt = (field: number): Uint8Array =>
      new Uint8Array(view.buffer, view.byteOffset + offset + field, 16);
    table.add(
      addressAt(LOCAL_ADDRESS),
      localPort,
      addressAt(REMOTE_ADDRESS),
      view.getUint16(offset + REMOTE_PORT),
      view.getUint8(offset + STATE),
    );
  };
}

/** A listening TCP socket and its queue of connections that are established and wait for `accept`. */
export interface TcpListener {
  /** `0.0.0.0` and `::` are "any". */
  readonly address: string;
  readonly port: number;
  /** Connections that wait now. */
  readonly acceptQueue: number;
  /** How many may wait; the kernel takes one more before it drops connection requests. */
  readonly acceptQueueLimit: number;
}

/** The listening TCP sockets over IPv4 and IPv6, only those on `ports` if given. Throws {@link SystemError}. */
export function listTcpListeners(ports?: readonly number[]): TcpListener[] {
  const doing = 'listing the TCP listeners of this host';
  const wanted = ports === undefined ? undefined : new Set(ports);
  const listeners: TcpListener[] = [];
  const socket = new NetlinkSocket(NETLINK_SOCK_DIAG, doing);
  try {
    for (const family of [AF_INET, AF_INET6]) {
      const request = diagRequest(family, stateMask(['listen']));
      const mark = listeners.length;
      const visit: MessageVisitor = (_type, view, offset, end) => {
        if (end - offset < MESSAGE_BYTES) return;
        const listener = decodeListener(family, view, offset);
        if (wanted === undefined || wanted.has(listener.port)) listeners.push(listener);
      };
      const { errno } = socket.dump(SOCK_DIAG_BY_FAMILY, request, visit, () => (listeners.length = mark));
      checkDump(family, errno, doing);
    }
  } finally {
    socket.close();
  }
  return listeners;
}

function decodeListener(family: number, view: DataView, offset: number): TcpListener {
  const lengthBytes = family === AF_INET ? 4 : 16;
  const address = new Uint8Array(view.buffer, view.byteOffset + offset + LOCAL_ADDRESS, lengthBytes);
  return {
    address: formatIp(address) ?? '',
    port: view.getUint16(offset + LOCAL_PORT),
    acceptQueue: view.getUint32(offset + RECEIVE_QUEUE, true),
    acceptQueueLimit: view.getUint32(offset + WRITE_QUEUE, true),
  };
}

/** A kernel without IPv6 has no IPv6 sockets: that is an answer, not an error. */
function checkDump(family: number, errno: number, doing: string): void {
  if (errno === 0 || (errno === ENOENT && family === AF_INET6)) return;
  throw new SystemError(errno, { syscall: 'SOCK_DIAG_BY_FAMILY', doing });
}

/** struct inet_diag_req_v2 for all sockets in `states`. */
function diagRequest(family: number, states: number): Uint8Array {
  const request = new Uint8Array(REQUEST_BYTES);
  request[0] = family;
  request[1] = IPPROTO_TCP;
  new DataView(request.buffer).setUint32(4, states, true);
  return request;
}

/**
 * Lets the kernel itself choose by local address (4 or 16 bytes; and by port, if it is one): one instruction. It holds for
 * IPv4 addresses that IPv6 sockets carry as well (`inet_diag_bc_run` in net/ipv4/inet_diag.c).
 */
function bytecode(localAddress: Uint8Array, { ports }: Choice): [number, Uint8Array][] {
  const onePort = ports?.length === 1 ? ports[0] : ANY_PORT;
  const condition = new Uint8Array(CONDITION_HEAD_BYTES + localAddress.length);
  const view = new DataView(condition.buffer);
  condition[0] = INET_DIAG_BC_S_COND;
  condition[1] = condition.length; // holds: to the end, which accepts
  view.setUint16(2, condition.length + 4, true); // does not: beyond the end, which refuses
  condition[4] = localAddress.length === 4 ? AF_INET : AF_INET6;
  condition[5] = localAddress.length * 8;
  view.setInt32(8, onePort, true);
  condition.set(localAddress, CONDITION_HEAD_BYTES);
  return [[INET_DIAG_REQ_BYTECODE, condition]];
}

const wordBytes = (address: number): Uint8Array =>
  Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);

function isMapped(view: DataView, address: number): boolean {
  return (
    view.getUint32(address) === 0 &&
    view.getUint32(address + 4) === 0 &&
    view.getUint32(address + 8) === MAPPED_WORD
  );
}
