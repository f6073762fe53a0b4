import { decodeIpv6, IpProtocol, Ipv6Header, macEquals, WireStatus } from 'libnetraw/wire';
import { keyTag } from '../map/connectionKey.js';
import type { ServiceTree } from '../serviceTree.js';
import { DropReason } from '../verdicts.js';
import { canBeClient6 } from './clientAddress.js';
import type { Flow } from './flow.js';
import { noteFragment } from './fragmentFields.js';
import type { IcmpReader } from './icmpReader.js';
import type { TransportReader } from './transportReader.js';

/** Reads which connection an IPv6 packet from a client belongs to. */
export class Ipv6FlowReader {
  private readonly tree: ServiceTree;
  private readonly transport: TransportReader;
  private readonly icmp: IcmpReader;
  private readonly ip = new Ipv6Header();

  constructor(tree: ServiceTree, transport: TransportReader, icmp: IcmpReader) {
    this.tree = tree;
    this.transport = transport;
    this.icmp = icmp;
  }

  /** Reads the packet of up to `length` bytes at `ipOffset`, in a frame that begins at `offset`. */
  read(memory: Uint8Array, offset: number, ipOffset: number, length: number, flow: Flow): DropReason {
    const { ip, tree } = this;
    if (decodeIpv6(memory, ipOffset, length, ip) !== WireStatus.ok) return DropReason.malformedIp;
    const cluster = tree.clusterOf6(memory, ip.destinationOffset);
    if (cluster === undefined || !macEquals(memory, offset, cluster.virtualMac, 0)) {
      return DropReason.wrongAddress;
    }
    const from = ip.sourceOffset;
    if (!canBeClient6(memory, from) || tree.clusterOf6(memory, from) !== undefined) {
      return DropReason.spoofed;
    }
    flow.family = 6;
    flow.cluster = cluster;
    flow.key.readClient6(memory, from);
    flow.ipOffset = ipOffset;
    flow.transportOffset = ip.payloadOffset;
    flow.isFragment = false;
    // A fragment header on a whole packet (RFC 6946) changes nothing.
    if (ip.isFragment && (ip.moreFragments || ip.fragmentOffset !== 0))
      return this.readFragment(memory, flow);
    return this.readPayload(memory, flow);
  }

  private readPayload(memory: Uint8Array, flow: Flow): DropReason {
    const { ip } = this;
    if (ip.protocol === IpProtocol.tcp) {
      return this.transport.readTcp(memory, ip.payloadOffset, ip.payloadLength, flow);
    }
    if (ip.protocol === IpProtocol.udp) {
      return this.transport.readUdp(memory, ip.payloadOffset, ip.payloadLength, flow);
    }
    if (ip.protocol === IpProtocol.icmpv6)
      return this.icmp.read6(memory, ip.payloadOffset, ip.payloadLength, flow);
    return DropReason.unknownProtocol;
  }

  private readFragment(memory: Uint8Array, flow: Flow): DropReason {
    const { ip } = this;
    flow.protocol = ip.protocol;
    const partLength = ip.payloadOffset + ip.payloadLength - ip.fragmentPartOffset;
    const { identification, fragmentOffset } = ip;
    const reason = noteFragment(
      flow,
      identification,
      keyTag(flow.cluster.index, 0),
      fragmentOffset,
      partLength,
      !ip.moreFragments,
    );
    if (reason !== DropReason.none || fragmentOffset !== 0) return reason;
    return this.readPayload(memory, flow);
  }
}
