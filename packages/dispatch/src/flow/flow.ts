import { mix32 } from '../map/halfSipHash.js';
import { ConnectionKey } from '../map/connectionKey.js';
import type { AddressFamily } from '../map/connectionRecord.js';
import type { Cluster } from '../cluster.js';

/** What a frame is to the dispatcher. */
export const FlowKind = {
  /** TCP or UDP with its ports: the first or only part of its packet. */
  packet: 0,
  /** A ping of the cluster address. */
  echo: 1,
  /** An ICMP error about a packet that a server sent: the key is that of the quoted connection. */
  error: 2,
  /** A fragment without ports; `key.ports` is the identification, see {@link Flow.fragmentKey}. */
  laterFragment: 3,
  /** In L4/3: what a server sends that is of none of the services. */
  plain: 4,
} as const;

export type FlowKind = (typeof FlowKind)[keyof typeof FlowKind];

/** Which connection a frame belongs to, and where its parts stand. One object is filled for frame after frame. */
export class Flow {
  /** IP version. */
  family: AddressFamily = 4;
  /** The cluster it is sent to; in L4/3 also that in whose name a server sends. */
  cluster!: Cluster;
  kind: FlowKind = FlowKind.packet;
  /** 6 TCP or 17 UDP, of an error the quoted packet's; 1 or 58 for a ping; of a later fragment what it says. */
  protocol = 0;
  readonly key = new ConnectionKey();
  /** The cluster's port. */
  port = 0;
  /** Of TCP; 0 otherwise. */
  tcpFlags = 0;

  /** Where the IP header stands in memory. */
  ipOffset = 0;
  /** Where the TCP, UDP or ICMP header stands; not in a later fragment. */
  transportOffset = 0;
  /** Of an error: where the quoted IP header stands, and the quoted TCP or UDP header. */
  quotedOffset = 0;
  quotedTransportOffset = 0;

  /** Whether it is a part of a fragmented packet; if so, the fields below are valid. */
  isFragment = false;
  /** Names the packet that the fragment is of: client, identification (as `ports`), cluster and protocol. */
  readonly fragmentKey = new ConnectionKey();
  /** Which bytes of the packet it has, from the first after the last one. */
  fragmentStart = 0;
  fragmentEnd = 0;
  /** Whether it is the last part. */
  isLastFragment = false;

  /** The client as one unsigned 32-bit number, the same to every dispatcher: the address, or an IPv6 one folded. */
  get clientNumber(): number {
    const { client0, client1, client2, client3 } = this.key;
    if (this.family === 4) return client0 >>> 0;
    return mix32(mix32(mix32(client0 ^ mix32(client1)) ^ client2) ^ client3) >>> 0;
  }
}
