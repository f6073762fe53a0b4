import {
  checkIpv4,
  decodeIpv4,
  IpProtocol,
  Ipv4At,
  Ipv4Header,
  isIpv4Fragment,
  macEquals,
  readI32,
  readU16,
  WireStatus,
} from 'libnetraw/wire';
import { keyTag } from '../map/connectionKey.js';
import type { ServiceTree } from '../serviceTree.js';
import { DropReason } from '../verdicts.js';
import { canBeClient4 } from './clientAddress.js';
import type { Flow } from './flow.js';
import { noteFragment } from './fragmentFields.js';
import type { IcmpReader } from './icmpReader.js';
import type { TransportReader } from './transportReader.js';

/** Reads which connection an IPv4 packet from a client belongs to. */
export class Ipv4FlowReader {
  private readonly tree: ServiceTree;
  private readonly transport: TransportReader;
  private readonly icmp: IcmpReader;
  private readonly ip = new Ipv4Header();

  constructor(tree: ServiceTree, transport: TransportReader, icmp: IcmpReader) {
    this.tree = tree;
    this.transport = transport;
    this.icmp = icmp;
  }

  /** Reads the packet of up to `length` bytes at `ipOffset`, in a frame that begins at `offset`. */
  read(memory: Uint8Array, offset: number, ipOffset: number, length: number, flow: Flow): DropReason {
    if (checkIpv4(memory, ipOffset, length) !== WireStatus.ok) return DropReason.malformedIp;
    const client = readI32(memory, ipOffset + Ipv4At.source);
    const cluster = this.tree.clusterOf(readI32(memory, ipOffset + Ipv4At.destination));
    if (cluster === undefined || !macEquals(memory, offset, cluster.virtualMac, 0)) {
      return DropReason.wrongAddress;
    }
    if (!canBeClient4(client) || this.tree.clusterOf(client) !== undefined) return DropReason.spoofed;
    flow.family = 4;
    flow.cluster = cluster;
    flow.key.setClient4(client);
    flow.ipOffset = ipOffset;
    flow.isFragment = false;
    if (isIpv4Fragment(memory, ipOffset)) return this.readFragment(memory, ipOffset, length, flow);
    const headerLength = (memory[ipOffset] & 15) * 4;
    const payloadLength = readU16(memory, ipOffset + Ipv4At.totalLength) - headerLength;
    return this.readPayload(memory, ipOffset + headerLength, payloadLength, flow);
  }

  private readPayload(memory: Uint8Array, offset: number, length: number, flow: Flow): DropReason {
    flow.transportOffset = offset;
    switch (memory[flow.ipOffset + Ipv4At.protocol]) {
      case IpProtocol.tcp:
        return this.transport.readTcp(memory, offset, length, flow);
      case IpProtocol.udp:
        return this.transport.readUdp(memory, offset, length, flow);
      case IpProtocol.icmp:
        return this.icmp.read4(memory, offset, length, flow);
      default:
        return DropReason.unknownProtocol;
    }
  }

  private readFragment(memory: Uint8Array, ipOffset: number, length: number, flow: Flow): DropReason {
    const { ip } = this;
    if (decodeIpv4(memory, ipOffset, length, ip) !== WireStatus.ok) return DropReason.malformedIp;
    const { protocol, identification, fragmentOffset, payloadOffset, payloadLength } = ip;
    flow.protocol = protocol;
    const isLast = !ip.moreFragments;
    const reason = noteFragment(
      flow,
      identification,
      keyTag(flow.cluster.index, protocol),
      fragmentOffset,
      payloadLength,
      isLast,
    );
    if (reason !== DropReason.none || fragmentOffset !== 0) return reason;
    return this.readPayload(memory, payloadOffset, payloadLength, flow);
  }
}
