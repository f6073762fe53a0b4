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
  /** Copied into the hold buffer; it comes back through `takeHeld`. */
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
  /** IPv4 header cut off or contradicting itself. */
  malformedIp: 3,
  /** TCP, UDP or ICMP header cut off or contradicting itself. */
  malformedTransport: 4,
  /** A port is zero. */
  zeroPort: 5,
  /** SYN together with FIN or RST. */
  badTcpFlags: 6,
  /** 802.1Q or 802.1ad tag; the cluster lives on untagged interfaces. */
  vlanTagged: 7,
  /** To a virtual MAC, but neither IPv4 nor ARP. */
  notIpv4: 8,
  /** To a virtual MAC, but not to its cluster address. */
  wrongAddress: 9,
  /** From a cluster address, or from an address that nobody can have. */
  spoofed: 10,
  /** Part of a fragmented datagram: only its first part would have ports. */
  fragment: 11,
  /** Neither TCP, UDP nor ICMP. */
  unknownProtocol: 12,
  /** ICMP other than an echo request. */
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
} as const;

export type DropReason = (typeof DropReason)[keyof typeof DropReason];

/** Names by number. */
export const verdictNames: readonly string[] = Object.keys(Verdict);

/** Names by number. */
export const dropReasonNames: readonly string[] = Object.keys(DropReason);
