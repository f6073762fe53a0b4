import { SystemError } from '../libc/index.js';
import { forEachAttribute } from './attributes.js';
import { formatIp } from './ipText.js';
import { NETLINK_ROUTE, NetlinkSocket } from './netlinkSocket.js';

/** What the kernel knows of another host on a link: its ARP table, and the same for IPv6. */
export interface Neighbour {
  readonly interfaceIndex: number;
  readonly address: string;
  /** Undefined while it is being asked for, or when nobody answered. */
  readonly mac: Uint8Array | undefined;
  readonly state:
    'incomplete' | 'reachable' | 'stale' | 'delay' | 'probe' | 'failed' | 'noarp' | 'permanent' | 'none';
}

const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;
const NDMSG_BYTES = 12;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const STATES: Readonly<Record<number, Neighbour['state']>> = {
  0x01: 'incomplete',
  0x02: 'reachable',
  0x04: 'stale',
  0x08: 'delay',
  0x10: 'probe',
  0x20: 'failed',
  0x40: 'noarp',
  0x80: 'permanent',
};

/** The neighbours that the kernel knows, on all interfaces. Needs no privilege. Throws {@link SystemError}. */
export function listNeighbours(): Neighbour[] {
  const doing = 'listing the neighbours';
  const neighbours: Neighbour[] = [];
  const socket = new NetlinkSocket(NETLINK_ROUTE, doing);
  try {
    const { errno } = socket.dump(
      RTM_GETNEIGH,
      new Uint8Array(NDMSG_BYTES),
      (type, view, offset, end) => {
        if (type !== RTM_NEWNEIGH || end - offset < NDMSG_BYTES) return;
        const neighbour = decodeNeighbour(view, offset, end);
        if (neighbour !== undefined) neighbours.push(neighbour);
      },
      () => (neighbours.length = 0),
    );
    if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_GETNEIGH', doing });
  } finally {
    socket.close();
  }
  return neighbours;
}

function decodeNeighbour(view: DataView, offset: number, end: number): Neighbour | undefined {
  let address: string | undefined;
  let mac: Uint8Array | undefined;
  forEachAttribute(view, offset + NDMSG_BYTES, end, (type, value) => {
    if (type === NDA_DST) address = formatIp(value);
    else if (type === NDA_LLADDR) mac = value.slice();
  });
  if (address === undefined) return undefined;
  return {
    interfaceIndex: view.getInt32(offset + 4, true),
    address,
    mac,
    state: STATES[view.getUint16(offset + 8, true)] ?? 'none',
  };
}
