/** A target's module, and how many of the inputs it gets. */
export interface CatalogueEntry {
  /** Relative to this file. */
  readonly module: string;
  /** In proportion to the sum of all; 0: runs only when named. */
  readonly share: number;
  readonly what: string;
}

/** All targets by name. Shares are by what an input costs and by how much there is to find. */
export const CATALOGUE: Readonly<Record<string, CatalogueEntry>> = {
  wire: {
    module: './targets/wire.js',
    share: 300,
    what: 'libnetraw/wire: ethernet, arp, ipv4, ipv6, neighbour discovery, tcp, udp, icmp, vnet header, checksums, address texts',
  },
  'ring-packet': {
    module: './targets/ringPacket.js',
    share: 300,
    what: 'ring: packets, all message bodies, the security envelope',
  },
  'ring-frame': {
    module: './targets/ringFrame.js',
    share: 60,
    what: 'transport: the ring over Ethernet, plain and sealed frames',
  },
  'ring-step': {
    module: './targets/ringStep.js',
    share: 30,
    what: 'ring: arbitrary packets, times and commands to members in every phase',
  },
  'sessions-outside': {
    module: './targets/sessionsOutside.js',
    share: 40,
    what: 'ring sessions and AES-GCM: bytes from somebody without the key change nothing',
  },
  'sessions-inside': {
    module: './targets/sessionsInside.js',
    share: 30,
    what: 'ring sessions: arbitrary contents from somebody who has the key',
  },
  records: {
    module: './targets/records.js',
    share: 60,
    what: 'transport: records of a byte stream, cut up anywhere',
  },
  dispatcher: {
    module: './targets/dispatcher.js',
    share: 80,
    what: 'dispatch: sequences of frames in L4/2, in every mode',
  },
  'two-way': {
    module: './targets/twoWay.js',
    share: 40,
    what: 'dispatch: sequences of frames of clients and servers in L4/3, in every mode',
  },
  inventory: {
    module: './targets/inventory.js',
    share: 60,
    what: 'node: requests and rows of the connection exchange',
  },
  'node-message': {
    module: './targets/nodeMessage.js',
    share: 40,
    what: 'node: load reports, orders and answers in application messages',
  },
  netlink: {
    module: './targets/netlink.js',
    share: 60,
    what: 'libnetraw: attributes of netlink messages',
  },
  control: {
    module: './targets/control.js',
    share: 20,
    what: 'node: methods and paths of the control socket',
  },
  config: {
    module: './targets/config.js',
    share: 5,
    what: 'node: configuration and key files',
  },
  planted: {
    module: './targets/planted.js',
    share: 0,
    what: 'a bug behind four bytes: shows that the fuzzer can fail',
  },
  'planted-hang': {
    module: './targets/plantedHang.js',
    share: 0,
    what: 'a loop without end: shows that the watch works',
  },
};
