import assert from 'node:assert/strict';
import { libc, SystemError } from '../libc/index.js';
import { EADDRNOTAVAIL, EEXIST, ENODEV } from '../libc/constants.js';
import { forEachAttribute, withAttributes } from './attributes.js';
import { familyNumber, formatIp, parseIp, type AddressFamily } from './ipText.js';
import { NETLINK_ROUTE, NetlinkSocket, NLM_F_CREATE, NLM_F_EXCL } from './netlinkSocket.js';

/** An IP address of this host. */
export interface InterfaceAddress {
  readonly interfaceIndex: number;
  readonly family: AddressFamily;
  /** The host's own address. */
  readonly address: string;
  readonly prefixLength: number;
  /** IPv4 only, and not for every address. */
  readonly broadcast: string | undefined;
  /** `link` and `host` addresses are not for talking to others. */
  readonly scope: 'global' | 'site' | 'link' | 'host' | 'nowhere';
}

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFADDRMSG_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const SCOPES: Readonly<Record<number, InterfaceAddress['scope']>> = {
  0: 'global',
  200: 'site',
  253: 'link',
  254: 'host',
  255: 'nowhere',
};

/** All IP addresses of this network namespace. Needs no privilege. Throws {@link SystemError}. */
export function listAddresses(): InterfaceAddress[] {
  const doing = 'listing the addresses of this host';
  const addresses: InterfaceAddress[] = [];
  const socket = new NetlinkSocket(NETLINK_ROUTE, doing);
  try {
    const { errno } = socket.dump(
      RTM_GETADDR,
      new Uint8Array(IFADDRMSG_BYTES),
      (type, view, offset, end) => {
        if (type !== RTM_NEWADDR || end - offset < IFADDRMSG_BYTES) return;
        const address = decodeAddress(view, offset, end);
        if (address !== undefined) addresses.push(address);
      },
      () => (addresses.length = 0),
    );
    if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_GETADDR', doing });
  } finally {
    socket.close();
  }
  return addresses;
}

/**
 * Puts an address on an interface.
 * @returns `'present'` if the interface had it before, with this prefix length
 * @throws SystemError `EPERM` without CAP_NET_ADMIN, `ENODEV`
 */
export function addAddress(
  interfaceName: string,
  address: string,
  prefixLength: number,
): 'added' | 'present' {
  const doing = `putting ${address}/${prefixLength} on ${interfaceName}`;
  const errno = changeAddress(RTM_NEWADDR, interfaceName, address, prefixLength, doing);
  if (errno === EEXIST) return 'present';
  if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_NEWADDR', doing });
  return 'added';
}

/**
 * Takes an address off an interface.
 * @returns `'absent'` if the interface had none such with this prefix length
 * @throws SystemError `EPERM` without CAP_NET_ADMIN, `ENODEV`
 */
export function deleteAddress(
  interfaceName: string,
  address: string,
  prefixLength: number,
): 'deleted' | 'absent' {
  const doing = `taking ${address}/${prefixLength} off ${interfaceName}`;
  const errno = changeAddress(RTM_DELADDR, interfaceName, address, prefixLength, doing);
  if (errno === EADDRNOTAVAIL) return 'absent';
  if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_DELADDR', doing });
  return 'deleted';
}

function changeAddress(
  type: number,
  interfaceName: string,
  address: string,
  prefixLength: number,
  doing: string,
): number {
  const parsed = parseIp(address);
  assert(parsed !== undefined, `not an IP address: ${address}`);
  const index = libc().if_nametoindex(interfaceName);
  if (index === 0) throw new SystemError(ENODEV, { syscall: `if_nametoindex(${interfaceName})`, doing });
  const fixed = new Uint8Array(IFADDRMSG_BYTES); // family, prefix length, flags, scope, u32 interface index
  fixed[0] = familyNumber(parsed.family);
  fixed[1] = prefixLength;
  new DataView(fixed.buffer).setUint32(4, index, true);
  const payload = withAttributes(fixed, [
    [IFA_LOCAL, parsed.bytes],
    [IFA_ADDRESS, parsed.bytes],
  ]);
  const socket = new NetlinkSocket(NETLINK_ROUTE, doing);
  try {
    return socket.change(type, type === RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0, payload);
  } finally {
    socket.close();
  }
}

function decodeAddress(view: DataView, offset: number, end: number): InterfaceAddress | undefined {
  let address: string | undefined;
  let local: string | undefined;
  let broadcast: string | undefined;
  forEachAttribute(view, offset + IFADDRMSG_BYTES, end, (type, value) => {
    if (type === IFA_ADDRESS) address = formatIp(value);
    else if (type === IFA_LOCAL) local = formatIp(value);
    else if (type === IFA_BROADCAST) broadcast = formatIp(value);
  });
  const own = local ?? address; // on a point-to-point link, IFA_ADDRESS is the other end
  if (own === undefined) return undefined;
  return {
    interfaceIndex: view.getUint32(offset + 4, true),
    family: own.includes(':') ? 'ipv6' : 'ipv4',
    address: own,
    prefixLength: view.getUint8(offset + 1),
    broadcast,
    scope: SCOPES[view.getUint8(offset + 3)] ?? 'global',
  };
}
