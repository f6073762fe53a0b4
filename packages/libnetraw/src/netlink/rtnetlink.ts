import { libc, SystemError } from '../libc/index.js';
import { ENODEV } from '../libc/constants.js';
import { NETLINK_ROUTE, NetlinkSocket } from './netlinkSocket.js';

/** One change through rtnetlink(7). Returns 0, or the positive errno with which the kernel refused. */
export function changeOnce(type: number, flags: number, payload: Uint8Array, doing: string): number {
  const socket = new NetlinkSocket(NETLINK_ROUTE, doing);
  try {
    return socket.change(type, flags, payload);
  } finally {
    socket.close();
  }
}

/**
 * Lists things of one kind: `decode` makes one of each message of type `answer` with at least `fixedBytes` of payload, or
 * leaves it out. Throws {@link SystemError}.
 */
export function dumpAll<T>(
  request: { readonly type: number; readonly name: string; readonly answer: number },
  fixed: Uint8Array,
  decode: (view: DataView, offset: number, end: number) => T | undefined,
  doing: string,
): T[] {
  const found: T[] = [];
  const socket = new NetlinkSocket(NETLINK_ROUTE, doing);
  try {
    const { errno } = socket.dump(
      request.type,
      fixed,
      (type, view, offset, end) => {
        if (type !== request.answer || end - offset < fixed.length) return;
        const one = decode(view, offset, end);
        if (one !== undefined) found.push(one);
      },
      () => (found.length = 0),
    );
    if (errno !== 0) throw new SystemError(errno, { syscall: request.name, doing });
  } finally {
    socket.close();
  }
  return found;
}

/** The index of an interface. Throws {@link SystemError} `ENODEV`. */
export function indexOf(interfaceName: string, doing: string): number {
  const index = libc().if_nametoindex(interfaceName);
  if (index === 0) throw new SystemError(ENODEV, { syscall: `if_nametoindex(${interfaceName})`, doing });
  return index;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The number in an attribute of 4 bytes; 0 for one of another length. */
export function readAttributeU32(value: Uint8Array): number {
  return value.length === 4 ? new DataView(value.buffer, value.byteOffset).getUint32(0, true) : 0;
}
