import assert from 'node:assert/strict';
import { SystemError } from '../libc/index.js';
import { EADDRNOTAVAIL, EEXIST } from '../libc/constants.js';
import { forEachAttribute, withAttributes } from './attributes.js';
import { familyNumber, formatIp, parseIp, type AddressFamily } from './ipText.js';
import { NLM_F_CREATE, NLM_F_EXCL } from './netlinkSocket.js';
import { changeOnce, dumpAll, indexOf } from './rtnetlink.js';

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
  /**
   * IPv6 only (RFC 4862): `tentative` while it is found out whether another host has the address, `duplicate` when one has,
   * `temporary` when it will be replaced by another one soon, `deprecated` when it is not to be used any more.
   */
  readonly state: 'usable' | 'tentative' | 'duplicate' | 'temporary' | 'deprecated';
}

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFADDRMSG_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_TEMPORARY = 0x01;
const IFA_F_NODAD = 0x02;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;
const SCOPES: Readonly<Record<number, InterfaceAddress['scope']>> = {
  0: 'global',
  200: 'site',
  253: 'link',
  254: 'host',
  255: 'nowhere',
};

/** All IP addresses of this network namespace. Needs no privilege. Throws {@link SystemError}. */
export function listAddresses(): InterfaceAddress[] {
  const request = { type: RTM_GETADDR, name: 'RTM_GETADDR', answer: RTM_NEWADDR };
  const fixed = new Uint8Array(IFADDRMSG_BYTES);
  return dumpAll(request, fixed, decodeAddress, 'listing the addresses of this host');
}

/**
 * Puts an address on an interface. An IPv6 address is usable at once: the kernel does not look for another owner, which for
 * an address that many hosts share would fail.
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
  const fixed = new Uint8Array(IFADDRMSG_BYTES); // family, prefix length, flags, scope, u32 interface index
  fixed[0] = familyNumber(parsed.family);
  fixed[1] = prefixLength;
  if (parsed.family === 'ipv6') fixed[2] = IFA_F_NODAD;
  new DataView(fixed.buffer).setUint32(4, indexOf(interfaceName, doing), true);
  const payload = withAttributes(fixed, [
    [IFA_LOCAL, parsed.bytes],
    [IFA_ADDRESS, parsed.bytes],
  ]);
  return changeOnce(type, type === RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0, payload, doing);
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
    state: own.includes(':') ? stateOf(view.getUint8(offset + 2)) : 'usable',
  };
}

/** The bit of a temporary IPv6 address means "secondary" with IPv4, where it is of no importance. */
function stateOf(flags: number): InterfaceAddress['state'] {
  if ((flags & IFA_F_DADFAILED) !== 0) return 'duplicate';
  if ((flags & IFA_F_TENTATIVE) !== 0) return 'tentative';
  if ((flags & IFA_F_DEPRECATED) !== 0) return 'deprecated';
  return (flags & IFA_F_TEMPORARY) !== 0 ? 'temporary' : 'usable';
}
