/**
 * What becomes of a frame, and why one was dropped. The numbers are an interface: the data plane counts by them, metrics
 * and `explain` name them, tests cite them. Append; never renumber, never reuse.
 */

/** Every frame gets exactly one. */
export const Verdict = {
  /** Not ours: leave it to whom it belongs. */
  ignore: 0,
  /** Rewritten in place: send it out of the interface. */
  forward: 1,
  /** Rewritten in place: this node is the server, inject it on `lo`. */
  local: 2,
  /** The answer stands in the dispatcher's `reply`: send that, not the frame. */
  answer: 3,
  /** Copied; it comes back through `takeHeld`, or `takeFragments` when it waits for the first part of its packet. */
  hold: 4,
  /** Not to be sent; `dropReason` says why. */
  drop: 5,
  /** Rewritten in place: send it out of the interface on the clients' side, which may be the same one. */
  outward: 6,
  /** Rewritten in place, but the next hop's MAC is not known: hand the IP packet to the host's own routing. */
  resolve: 7,
} as const;

export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Why a frame was dropped. */
export const DropReason = {
  none: 0,
  /** Shorter than an Ethernet header. */
  malformedFrame: 1,
  /** ARP that is cut off, of unknown lengths, or from a sender that cannot be one. */
  malformedArp: 2,
  /** IP header cut off or contradicting itself, or extension headers that lead nowhere. */
  malformedIp: 3,
  /** TCP, UDP or ICMP header cut off or contradicting itself. */
  malformedTransport: 4,
  /** A port is zero. */
  zeroPort: 5,
  /** SYN together with FIN or RST. */
  badTcpFlags: 6,
  /** More than two VLAN tags (802.1Q, 802.1ad). */
  vlanTagged: 7,
  /** To a virtual MAC, but neither IP nor ARP. */
  notIp: 8,
  /** To a virtual MAC, but not to its cluster address. */
  wrongAddress: 9,
  /** From a cluster address, or from one that no client can have. */
  spoofed: 10,
  /** A later part of a fragmented packet whose first part, which has the ports, did not come or was itself dropped. */
  fragment: 11,
  /** Neither TCP, UDP nor ICMP of its family. */
  unknownProtocol: 12,
  /** ICMP that is for hosts, not for a cluster: neither an echo request nor an error about what a server sent. */
  icmpNotEcho: 13,
  /** The cluster has no service on this port and protocol. */
  noService: 14,
  /** No server is active to take a new connection. */
  noServer: 15,
  /** Belongs to no known connection and opens none. Never answered with a reset: its server may just be unknown yet. */
  unknownConnection: 16,
  /** The connection map is full of established connections. */
  mapFull: 17,
  /** It had to be held, and the hold buffer is full. */
  holdFull: 18,
  /** The shell's: this node's right to dispatch ran out before the frame was looked at. */
  leaseExpired: 19,
  /** The shell's: the kernel did not take the frame. */
  sendFailed: 20,
  /** A neighbour solicitation or advertisement that is cut off or breaks RFC 4861. */
  malformedNeighbour: 21,
  /** An ICMP error that quotes no TCP or UDP packet from the cluster address that it is sent to. */
  icmpNoConnection: 22,
  /** A fragment that cannot be: of an impossible length or place, or a first one without its whole transport header. */
  badFragment: 23,
  /** A fragment that has bytes which another one had already, or any of its packet after that (RFC 5722). */
  fragmentOverlap: 24,
  /** L4/3: its time to live is over, and no answer may be given. */
  hopsExceeded: 25,
  /** L4/3: larger than the next link's MTU and not to be cut, and no answer may be given. Also: a ping too long to be answered. */
  tooBig: 26,
  /** L4/3: from a server's port, but not from the server that has the connection. */
  wrongServer: 27,
  /** L4/3: to a ghost gateway from an address that is no server's. */
  unknownSender: 28,
} as const;

export type DropReason = (typeof DropReason)[keyof typeof DropReason];

/** Names by number. */
export const verdictNames: readonly string[] = Object.keys(Verdict);

/** Names by number. */
export const dropReasonNames: readonly string[] = Object.keys(DropReason);
