/** What the node asks of its host's network, as an interface: the real one is netlink, tests bring a table. */

export interface HostLink {
  readonly name: string;
  readonly index: number;
  /** Six bytes; all zero for the loopback interface. */
  readonly mac: Uint8Array;
  readonly mtuBytes: number;
  /** Switched on by the administrator (`ip link set ... up`). */
  readonly up: boolean;
}

export interface HostAddress {
  readonly interface: string;
  /** Dotted IPv4. */
  readonly address: string;
  readonly prefixLength: number;
  /** Dotted; absent on interfaces that have none. */
  readonly broadcast?: string;
}

/** Every method throws an `Error` with an errno name as `code` when the kernel refuses. */
export interface HostNetwork {
  links(): readonly HostLink[];
  /** IPv4 addresses of all interfaces, each interface's primary address first. */
  addresses(): readonly HostAddress[];
  addAddress(address: HostAddress): 'added' | 'present';
  deleteAddress(address: HostAddress): 'deleted' | 'absent';
  /** @param path with slashes, like `net/ipv4/conf/eth0/arp_ignore` */
  readSysctl(path: string): string;
  writeSysctl(path: string, value: string): void;
}
