/** What the node asks of its host's network, as an interface: the real one is netlink, tests bring a table. */
import type { AddressFamily, DefaultRoute, PolicyRule } from 'libnetraw';

export interface HostLink {
  readonly name: string;
  readonly index: number;
  /** Six bytes; all zero for the loopback interface. */
  readonly mac: Uint8Array;
  readonly mtuBytes: number;
  /** Switched on by the administrator (`ip link set ... up`). */
  readonly up: boolean;
  /** Of a virtual interface: `veth`, `vlan`, `macvlan`, ...; undefined for a card. */
  readonly kind?: string | undefined;
}

export interface HostAddress {
  readonly interface: string;
  /** IPv4 or IPv6, in its usual spelling. */
  readonly address: string;
  readonly prefixLength: number;
  /** Dotted; absent on interfaces that have none. */
  readonly broadcast?: string;
  /** Link-local: good for the own link only. Default false. */
  readonly linkLocal?: boolean;
  /** IPv6: whether it may be used; see `InterfaceAddress` of libnetraw. Default `usable`. */
  readonly state?: 'usable' | 'tentative' | 'duplicate' | 'temporary' | 'deprecated';
}

/** A route of a table, as far as a node looks at it. */
export interface HostRoute {
  readonly prefixLength: number;
  readonly gateway: string | undefined;
  /** Undefined when the interface is gone or the route has none. */
  readonly interface: string | undefined;
}

/** Another host on a link, as the kernel knows it. */
export interface HostNeighbour {
  readonly interface: string;
  readonly address: string;
  /** Six bytes; undefined while it is not known. */
  readonly mac: Uint8Array | undefined;
  /** `failed`: nobody answered when it was asked for. */
  readonly state: 'permanent' | 'failed' | 'other';
}

/** Every method throws an `Error` with an errno name as `code` when the kernel refuses. */
export interface HostNetwork {
  links(): readonly HostLink[];
  /** Addresses of all interfaces, each interface's primary address first. */
  addresses(): readonly HostAddress[];
  addAddress(address: HostAddress): 'added' | 'present';
  deleteAddress(address: HostAddress): 'deleted' | 'absent';
  rules(family: AddressFamily): readonly PolicyRule[];
  addRule(rule: PolicyRule): 'added' | 'present';
  deleteRule(rule: PolicyRule): 'deleted' | 'absent';
  /** The routes of one table. */
  routes(family: AddressFamily, table: number): readonly HostRoute[];
  addRoute(route: DefaultRoute): 'added' | 'present';
  deleteRoute(route: DefaultRoute): 'deleted' | 'absent';
  neighbours(): readonly HostNeighbour[];
  /** Fixes the MAC of a neighbour. */
  setNeighbour(interfaceName: string, address: string, mac: Uint8Array): void;
  deleteNeighbour(interfaceName: string, address: string): 'deleted' | 'absent';
  /** @param path with slashes, like `net/ipv4/conf/eth0/arp_ignore` */
  readSysctl(path: string): string;
  writeSysctl(path: string, value: string): void;
}

/** As much of it as says what a host has already, and changes nothing. */
export type HostView = Pick<HostNetwork, 'addresses' | 'rules' | 'routes' | 'neighbours' | 'readSysctl'>;
