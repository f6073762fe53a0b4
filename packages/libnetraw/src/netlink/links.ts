import { attributeText, forEachAttribute } from './attributes.js';
import { SystemError } from '../libc/index.js';
import { changeOnce, dumpAll, indexOf } from './rtnetlink.js';

/** A network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** 6 bytes for Ethernet and loopback, empty for a link without hardware addresses. */
  readonly mac: Uint8Array;
  readonly mtuBytes: number;
  /** IFF_* bits of linux/if.h. */
  readonly flags: number;
  /** Switched on by the administrator. */
  readonly up: boolean;
  /** Up, and its cable plugged in. */
  readonly running: boolean;
  readonly loopback: boolean;
  /** What kind of virtual interface it is: `veth`, `vlan`, `macvlan`, `bond`, ...; undefined for a card. */
  readonly kind: string | undefined;
}

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const IFINFOMSG_BYTES = 16;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_LOWER_UP = 0x1_0000;

/** The network interfaces of this network namespace, by index. Needs no privilege. Throws {@link SystemError}. */
export function listLinks(): Link[] {
  const request = { type: RTM_GETLINK, name: 'RTM_GETLINK', answer: RTM_NEWLINK };
  const fixed = new Uint8Array(IFINFOMSG_BYTES);
  const links = dumpAll(request, fixed, decodeLink, 'listing the network interfaces');
  return links.sort((a, b) => a.index - b.index);
}

/** The interface of this name, or undefined. */
export function findLink(name: string): Link | undefined {
  return listLinks().find((link) => link.name === name);
}

/**
 * Switches an interface on, as `ip link set NAME up` does.
 * @throws SystemError `EPERM` without CAP_NET_ADMIN, `ENODEV`
 */
export function setLinkUp(name: string): void {
  const doing = `switching ${name} on`;
  const fixed = new Uint8Array(IFINFOMSG_BYTES); // u8 family, u16 type, i32 index, u32 flags, u32 which of them to change
  const view = new DataView(fixed.buffer);
  view.setInt32(4, indexOf(name, doing), true);
  view.setUint32(8, IFF_UP, true);
  view.setUint32(12, IFF_UP, true);
  const errno = changeOnce(RTM_NEWLINK, 0, fixed, doing);
  if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_NEWLINK', doing });
}

function decodeLink(view: DataView, offset: number, end: number): Link {
  let name = '';
  let mac: Uint8Array = new Uint8Array(0);
  let mtuBytes = 0;
  let kind: string | undefined;
  forEachAttribute(view, offset + IFINFOMSG_BYTES, end, (type, value) => {
    if (type === IFLA_IFNAME) name = attributeText(value);
    else if (type === IFLA_ADDRESS) mac = value.slice();
    else if (type === IFLA_MTU) mtuBytes = new DataView(value.buffer, value.byteOffset).getUint32(0, true);
    else if (type === IFLA_LINKINFO) kind = kindOf(value);
  });
  const flags = view.getUint32(offset + 8, true);
  return {
    index: view.getInt32(offset + 4, true),
    name,
    mac,
    mtuBytes,
    flags,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_UP) !== 0 && (flags & IFF_LOWER_UP) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    kind,
  };
}

/** The kind of a virtual interface, out of the attributes within IFLA_LINKINFO. */
function kindOf(info: Uint8Array): string | undefined {
  let kind: string | undefined;
  const view = new DataView(info.buffer, info.byteOffset, info.length);
  forEachAttribute(view, 0, info.length, (type, value) => {
    if (type === IFLA_INFO_KIND) kind = attributeText(value);
  });
  return kind;
}
