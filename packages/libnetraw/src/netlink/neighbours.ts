import assert from 'node:assert/strict';
import { SystemError } from '../libc/index.js';
import { ENOENT } from '../libc/constants.js';
import { forEachAttribute, withAttributes } from './attributes.js';
import { familyNumber, formatIp, parseIp } from './ipText.js';
import { NLM_F_CREATE, NLM_F_REPLACE } from './netlinkSocket.js';
import { changeOnce, dumpAll, indexOf } from './rtnetlink.js';

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
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
/** struct ndmsg { u8 family, pad; u16 pad; s32 ifindex; u16 state; u8 flags, type } */
const NDMSG_BYTES = 12;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_PERMANENT = 0x80;
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
  const request = { type: RTM_GETNEIGH, name: 'RTM_GETNEIGH', answer: RTM_NEWNEIGH };
  return dumpAll(request, new Uint8Array(NDMSG_BYTES), decodeNeighbour, 'listing the neighbours');
}

/**
 * Fixes the MAC of a neighbour: it is not asked for any more, and a MAC that was learned is forgotten.
 * @throws SystemError `EPERM` without CAP_NET_ADMIN, `ENODEV`, `ENETDOWN`
 */
export function setPermanentNeighbour(interfaceName: string, address: string, mac: Uint8Array): void {
  const doing = `fixing the MAC of ${address} on ${interfaceName}`;
  const payload = encodeNeighbour(interfaceName, address, mac, doing);
  const errno = changeOnce(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, payload, doing);
  if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_NEWNEIGH', doing });
}

/**
 * Makes the kernel forget a neighbour.
 * @returns `'absent'` if it knows none such
 * @throws SystemError `EPERM` without CAP_NET_ADMIN, `ENODEV`
 */
export function deleteNeighbour(interfaceName: string, address: string): 'deleted' | 'absent' {
  const doing = `forgetting ${address} on ${interfaceName}`;
  const errno = changeOnce(RTM_DELNEIGH, 0, encodeNeighbour(interfaceName, address, undefined, doing), doing);
  if (errno === ENOENT) return 'absent';
  if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_DELNEIGH', doing });
  return 'deleted';
}

function encodeNeighbour(
  interfaceName: string,
  address: string,
  mac: Uint8Array | undefined,
  doing: string,
): Uint8Array {
  const parsed = parseIp(address);
  assert(parsed !== undefined, `not an IP address: ${address}`);
  const fixed = new Uint8Array(NDMSG_BYTES);
  fixed[0] = familyNumber(parsed.family);
  const view = new DataView(fixed.buffer);
  view.setInt32(4, indexOf(interfaceName, doing), true);
  if (mac !== undefined) view.setUint16(8, NUD_PERMANENT, true);
  const attributes: [number, Uint8Array][] = [[NDA_DST, parsed.bytes]];
  if (mac !== undefined) attributes.push([NDA_LLADDR, mac]);
  return withAttributes(fixed, attributes);
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
