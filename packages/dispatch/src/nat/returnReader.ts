import {
  decodeIpv4,
  decodeIpv6,
  decodeTcp,
  EtherType,
  ICMP_HEADER_BYTES,
  IcmpType,
  Icmpv6Type,
  IpProtocol,
  Ipv4At,
  Ipv4Header,
  Ipv6Header,
  readU16,
  TcpFlag,
  TcpHeader,
  UDP_HEADER_BYTES,
  WireStatus,
} from 'libnetraw/wire';
import { canBeClient4, canBeClient6 } from '../flow/clientAddress.js';
import { FlowKind } from '../flow/flow.js';
import { noteFragment } from '../flow/fragmentFields.js';
import { isTag, type LinkHeader } from '../flow/linkHeader.js';
import { keyPorts, keyTag } from '../map/connectionKey.js';
import type { ServerTable } from '../servers.js';
import type { OwnedAddress } from '../cluster.js';
import type { ServiceTree } from '../serviceTree.js';
import { DropReason } from '../verdicts.js';
import { ReturnErrorReader } from './returnErrorReader.js';
import { ReturnFlow } from './returnFlow.js';

/** Tells the fragments of servers from those of clients, whose names may be the same. */
const FROM_SERVER = 0x80;

/**
 * Reads what servers send to a ghost gateway: which connection it belongs to, seen from the other side. One instance reads
 * frame after frame into its `flow`; `read` says by `DropReason.none` that it is valid.
 */
export class ReturnReader {
  readonly flow = new ReturnFlow();

  private readonly tree: ServiceTree;
  private readonly servers: ServerTable;
  private readonly errors: ReturnErrorReader;
  private readonly ip4 = new Ipv4Header();
  private readonly ip6 = new Ipv6Header();
  private readonly tcp = new TcpHeader();

  constructor(tree: ServiceTree, servers: ServerTable) {
    this.tree = tree;
    this.servers = servers;
    this.errors = new ReturnErrorReader(tree);
  }

  /** Reads a frame that is addressed to a gateway's virtual MAC and whose Ethernet header `link` has read. */
  read(memory: Uint8Array, offset: number, length: number, link: LinkHeader): DropReason {
    const { etherType, payloadOffset } = link;
    const ipLength = length - (payloadOffset - offset);
    this.flow.ipOffset = payloadOffset;
    this.flow.isFragment = false;
    this.flow.tcpFlags = 0;
    this.flow.port = 0;
    this.flow.senderAt = 0;
    if (etherType === EtherType.ipv4) return this.read4(memory, payloadOffset, ipLength);
    if (etherType === EtherType.ipv6) return this.read6(memory, payloadOffset, ipLength);
    return isTag(etherType) ? DropReason.vlanTagged : DropReason.notIp;
  }

  private read4(memory: Uint8Array, ipOffset: number, length: number): DropReason {
    const { ip4: ip, flow, tree } = this;
    if (decodeIpv4(memory, ipOffset, length, ip) !== WireStatus.ok) return DropReason.malformedIp;
    flow.family = 4;
    flow.protocol = ip.protocol;
    flow.transportOffset = ip.payloadOffset;
    flow.senderAt = ipOffset + Ipv4At.source;
    flow.serverAddressAt = flow.senderAt;
    const isPart = ip.moreFragments || ip.fragmentOffset !== 0;
    const owner = tree.ownerOf(ip.destination);
    if (owner !== undefined) return this.readToOwned(memory, owner, isPart ? 0 : ip.payloadLength);
    if (!canBeClient4(ip.source) || tree.ownerOf(ip.source) !== undefined) return DropReason.spoofed;
    if (!canBeClient4(ip.destination)) return DropReason.wrongAddress;
    flow.key.setClient4(ip.destination);
    if (!isPart) return this.readPayload(memory, ip.payloadLength);
    const { identification, fragmentOffset, payloadLength } = ip;
    return this.readFragment(
      memory,
      identification,
      ip.protocol,
      fragmentOffset,
      payloadLength,
      !ip.moreFragments,
      payloadLength,
    );
  }

  private read6(memory: Uint8Array, ipOffset: number, length: number): DropReason {
    const { ip6: ip, flow, tree } = this;
    if (decodeIpv6(memory, ipOffset, length, ip) !== WireStatus.ok) return DropReason.malformedIp;
    flow.family = 6;
    flow.protocol = ip.protocol;
    flow.transportOffset = ip.payloadOffset;
    flow.senderAt = ip.sourceOffset;
    flow.serverAddressAt = flow.senderAt;
    const isPart = ip.isFragment && (ip.moreFragments || ip.fragmentOffset !== 0);
    const owner = tree.ownerOf6(memory, ip.destinationOffset);
    if (owner !== undefined) return this.readToOwned(memory, owner, isPart ? 0 : ip.payloadLength);
    const isServer = canBeClient6(memory, ip.sourceOffset);
    if (!isServer || tree.ownerOf6(memory, ip.sourceOffset) !== undefined) return DropReason.spoofed;
    const to = ip.destinationOffset;
    if (!canBeClient6(memory, to)) return DropReason.wrongAddress;
    flow.key.readClient6(memory, to);
    if (!isPart) return this.readPayload(memory, ip.payloadLength);
    const partLength = ip.payloadOffset + ip.payloadLength - ip.fragmentPartOffset;
    const { identification, fragmentOffset } = ip;
    return this.readFragment(
      memory,
      identification,
      0,
      fragmentOffset,
      partLength,
      !ip.moreFragments,
      ip.payloadLength,
    );
  }

  /** A gateway answers pings and does nothing else; a cluster is not called through it. */
  private readToOwned(memory: Uint8Array, owner: OwnedAddress, length: number): DropReason {
    const { flow } = this;
    if (!owner.isRouter) return DropReason.wrongAddress;
    const at = flow.transportOffset;
    const isIcmp = flow.protocol === (flow.family === 4 ? IpProtocol.icmp : IpProtocol.icmpv6);
    if (!isIcmp || length < ICMP_HEADER_BYTES) return DropReason.noService;
    const request = flow.family === 4 ? IcmpType.echoRequest : Icmpv6Type.echoRequest;
    if (memory[at] !== request) return DropReason.icmpNotEcho;
    flow.kind = FlowKind.echo;
    return DropReason.none;
  }

  private readFragment(
    memory: Uint8Array,
    identification: number,
    tagProtocol: number,
    start: number,
    length: number,
    isLast: boolean,
    payloadLength: number,
  ): DropReason {
    const { flow } = this;
    flow.sender = this.servers.slotAt(flow.family, memory, flow.senderAt);
    if (flow.sender < 0) return DropReason.unknownSender;
    const tag = keyTag(flow.sender, tagProtocol | FROM_SERVER);
    const reason = noteFragment(flow, identification, tag, start, length, isLast);
    if (reason !== DropReason.none || start !== 0) return reason;
    return this.readPayload(memory, payloadLength);
  }

  private readPayload(memory: Uint8Array, length: number): DropReason {
    const { flow } = this;
    switch (flow.protocol) {
      case IpProtocol.tcp:
        return this.readTcp(memory, length);
      case IpProtocol.udp:
        return this.readUdp(memory, length);
      case IpProtocol.icmp:
      case IpProtocol.icmpv6:
        return this.errors.read(memory, length, flow);
      default:
        flow.kind = FlowKind.plain;
        return DropReason.none;
    }
  }

  private readTcp(memory: Uint8Array, length: number): DropReason {
    const { tcp, flow } = this;
    if (decodeTcp(memory, flow.transportOffset, length, tcp) !== WireStatus.ok) {
      return flow.isFragment ? DropReason.badFragment : DropReason.malformedTransport;
    }
    const { flags } = tcp;
    const syn = (flags & TcpFlag.syn) !== 0;
    if (syn && (flags & (TcpFlag.fin | TcpFlag.rst)) !== 0) return DropReason.badTcpFlags;
    flow.tcpFlags = flags;
    return this.setPorts(tcp.sourcePort, tcp.destinationPort);
  }

  private readUdp(memory: Uint8Array, length: number): DropReason {
    const { flow } = this;
    if (length < UDP_HEADER_BYTES) {
      return flow.isFragment ? DropReason.badFragment : DropReason.malformedTransport;
    }
    const at = flow.transportOffset;
    return this.setPorts(readU16(memory, at), readU16(memory, at + 2));
  }

  private setPorts(serverPort: number, clientPort: number): DropReason {
    const { flow } = this;
    if (clientPort === 0 || serverPort === 0) return DropReason.zeroPort;
    const target = this.tree.translatedService(flow.family, flow.protocol, serverPort);
    if (target === undefined) {
      flow.kind = FlowKind.plain;
      return DropReason.none;
    }
    flow.kind = FlowKind.packet;
    flow.cluster = target.cluster;
    flow.service = target.service;
    flow.port = target.service.port;
    flow.key.ports = keyPorts(clientPort, flow.port);
    flow.key.tag = keyTag(target.cluster.index, flow.protocol);
    return DropReason.none;
  }
}
