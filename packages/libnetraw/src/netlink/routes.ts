import assert from 'node:assert/strict';
import { SystemError } from '../libc/index.js';
import { EEXIST, ESRCH } from '../libc/constants.js';
import { forEachAttribute, withAttributes } from './attributes.js';
import { familyNumber, formatIp, parseIp, type AddressFamily } from './ipText.js';
import { NLM_F_CREATE, NLM_F_EXCL } from './netlinkSocket.js';
import { changeOnce, dumpAll, indexOf, readAttributeU32, u32 } from './rtnetlink.js';

/** A default route in a table: everything goes to `gateway`, which is taken to be reachable on the interface. */
export interface DefaultRoute {
  readonly table: number;
  readonly gateway: string;
  readonly interface: string;
  /** The source address of packets whose sender has not chosen one. */
  readonly source?: string;
}

/** A route of the kernel's, as far as it is needed here. */
export interface Route {
  readonly family: AddressFamily;
  readonly table: number;
  /** `0` for a default route. */
  readonly prefixLength: number;
  /** Undefined for a default route. */
  readonly destination: string | undefined;
  readonly gateway: string | undefined;
  readonly interfaceIndex: number | undefined;
}

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
/** struct rtmsg { u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags } */
const RTMSG_BYTES = 12;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PREFSRC = 7;
const RTA_TABLE = 15;
const RTN_UNICAST = 1;
/** "Added by the administrator". */
const RTPROT_STATIC = 4;
/** The gateway is on the link, whatever the addresses say. */
const RTNH_F_ONLINK = 4;

/**
 * Adds a default route to a table.
 * @returns `'present'` if the table has a default route already, whichever
 * @throws SystemError `EPERM` without CAP_NET_ADMIN, `ENODEV`, `ENETDOWN`, `EACCES` (IPv6 is disabled)
 */
export function addDefaultRoute(route: DefaultRoute): 'added' | 'present' {
  const doing = `adding ${describe(route)}`;
  const errno = changeOnce(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, encodeRoute(route, doing), doing);
  if (errno === EEXIST) return 'present';
  if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_NEWROUTE', doing });
  return 'added';
}

/**
 * Deletes a default route from a table.
 * @returns `'absent'` if there is none such
 * @throws SystemError `EPERM` without CAP_NET_ADMIN, `ENODEV`
 */
export function deleteDefaultRoute(route: DefaultRoute): 'deleted' | 'absent' {
  const doing = `deleting ${describe(route)}`;
  const errno = changeOnce(RTM_DELROUTE, 0, encodeRoute(route, doing), doing);
  if (errno === ESRCH) return 'absent';
  if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_DELROUTE', doing });
  return 'deleted';
}

/** The unicast routes of one table. Needs no privilege. Throws {@link SystemError}. */
export function listRoutes(family: AddressFamily, table: number): Route[] {
  const fixed = new Uint8Array(RTMSG_BYTES);
  fixed[0] = familyNumber(family);
  const request = { type: RTM_GETROUTE, name: 'RTM_GETROUTE', answer: RTM_NEWROUTE };
  const decode = (view: DataView, offset: number, end: number) => decodeRoute(family, view, offset, end);
  return dumpAll(request, fixed, decode, 'listing the routes').filter((route) => route.table === table);
}

const describe = ({ table, gateway, interface: name }: DefaultRoute): string =>
  `the default route via ${gateway} on ${name} in table ${table}`;

function encodeRoute(route: DefaultRoute, doing: string): Uint8Array {
  const gateway = parseIp(route.gateway);
  assert(gateway !== undefined, `not an IP address: ${route.gateway}`);
  const fixed = new Uint8Array(RTMSG_BYTES);
  fixed[0] = familyNumber(gateway.family);
  fixed[5] = RTPROT_STATIC;
  fixed[7] = RTN_UNICAST;
  new DataView(fixed.buffer).setUint32(8, RTNH_F_ONLINK, true);
  const attributes: [number, Uint8Array][] = [
    [RTA_TABLE, u32(route.table)],
    [RTA_GATEWAY, gateway.bytes],
    [RTA_OIF, u32(indexOf(route.interface, doing))],
  ];
  if (route.source !== undefined) {
    const source = parseIp(route.source);
    assert(source?.family === gateway.family, `not an address of ${gateway.family}: ${route.source}`);
    attributes.push([RTA_PREFSRC, source.bytes]);
  }
  return withAttributes(fixed, attributes);
}

function decodeRoute(family: AddressFamily, view: DataView, offset: number, end: number): Route | undefined {
  if (view.getUint8(offset) !== familyNumber(family) || view.getUint8(offset + 7) !== RTN_UNICAST)
    return undefined;
  let table = view.getUint8(offset + 4);
  let destination: string | undefined;
  let gateway: string | undefined;
  let interfaceIndex: number | undefined;
  forEachAttribute(view, offset + RTMSG_BYTES, end, (type, value) => {
    if (type === RTA_TABLE) table = readAttributeU32(value);
    else if (type === RTA_DST) destination = formatIp(value);
    else if (type === RTA_GATEWAY) gateway = formatIp(value);
    else if (type === RTA_OIF) interfaceIndex = readAttributeU32(value);
  });
  return { family, table, prefixLength: view.getUint8(offset + 1), destination, gateway, interfaceIndex };
}
