import {
  decodeIcmp,
  decodeIpv4,
  decodeTcp,
  decodeUdp,
  ETHERNET_HEADER_BYTES,
  EtherType,
  IcmpHeader,
  IcmpType,
  IpProtocol,
  Ipv4Header,
  macEquals,
  readU16,
  TcpFlag,
  TcpHeader,
  UdpHeader,
  WireStatus,
} from 'libnetraw/wire';
import { keyPorts, keyTag } from './connectionRecord.js';
import type { Cluster, ServiceTree } from './serviceTree.js';
import { DropReason } from './verdicts.js';

/**
 * Reads which connection a frame belongs to. One instance reads frame after frame into its fields; `read` says by
 * `DropReason.none` that they are valid.
 */
export class FlowReader {
  /** The cluster it is sent to; read only after `read` returned `none`. */
  cluster!: Cluster;
  /** 1 ICMP echo request, 6 TCP, 17 UDP. */
  protocol = 0;
  /** Signed, as the connection map's key has it. */
  clientKey = 0;
  portsKey = 0;
  tagKey = 0;
  /** The cluster's port. */
  port = 0;
  /** Of TCP; 0 otherwise. */
  tcpFlags = 0;

  private readonly tree: ServiceTree;
  private readonly ip = new Ipv4Header();
  private readonly tcp = new TcpHeader();
  private readonly udp = new UdpHeader();
  private readonly icmp = new IcmpHeader();

  constructor(tree: ServiceTree) {
    this.tree = tree;
  }

  /** Reads a frame of at least 14 bytes that is addressed to a virtual MAC. */
  read(memory: Uint8Array, offset: number, length: number): DropReason {
    const etherType = readU16(memory, offset + 12);
    if (etherType !== EtherType.ipv4) {
      return etherType === EtherType.vlan || etherType === EtherType.serviceVlan
        ? DropReason.vlanTagged
        : DropReason.notIpv4;
    }
    const { ip } = this;
    const ipOffset = offset + ETHERNET_HEADER_BYTES;
    if (decodeIpv4(memory, ipOffset, length - ETHERNET_HEADER_BYTES, ip) !== WireStatus.ok) {
      return DropReason.malformedIp;
    }
    const client = ip.source | 0;
    const cluster = this.tree.clusterOf(ip.destination | 0);
    if (cluster === undefined || !macEquals(memory, offset, cluster.virtualMac, 0)) {
      return DropReason.wrongAddress;
    }
    if (!canBeClient(client) || this.tree.clusterOf(client) !== undefined) return DropReason.spoofed;
    if (ip.moreFragments || ip.fragmentOffset !== 0) return DropReason.fragment;
    this.cluster = cluster;
    this.protocol = ip.protocol;
    this.clientKey = client;
    this.tcpFlags = 0;
    if (ip.protocol === IpProtocol.tcp) return this.readTcp(memory);
    if (ip.protocol === IpProtocol.udp) return this.readUdp(memory);
    if (ip.protocol === IpProtocol.icmp) return this.readIcmp(memory);
    return DropReason.unknownProtocol;
  }

  private readTcp(memory: Uint8Array): DropReason {
    const { ip, tcp } = this;
    if (decodeTcp(memory, ip.payloadOffset, ip.payloadLength, tcp) !== WireStatus.ok) {
      return DropReason.malformedTransport;
    }
    const syn = (tcp.flags & TcpFlag.syn) !== 0;
    if (syn && (tcp.flags & (TcpFlag.fin | TcpFlag.rst)) !== 0) return DropReason.badTcpFlags;
    this.tcpFlags = tcp.flags;
    return this.setPorts(tcp.sourcePort, tcp.destinationPort);
  }

  private readUdp(memory: Uint8Array): DropReason {
    const { ip, udp } = this;
    if (decodeUdp(memory, ip.payloadOffset, ip.payloadLength, udp) !== WireStatus.ok) {
      return DropReason.malformedTransport;
    }
    return this.setPorts(udp.sourcePort, udp.destinationPort);
  }

  private readIcmp(memory: Uint8Array): DropReason {
    const { ip, icmp } = this;
    if (decodeIcmp(memory, ip.payloadOffset, ip.payloadLength, icmp) !== WireStatus.ok) {
      return DropReason.malformedTransport;
    }
    return icmp.type === IcmpType.echoRequest ? DropReason.none : DropReason.icmpNotEcho;
  }

  private setPorts(clientPort: number, port: number): DropReason {
    if (clientPort === 0 || port === 0) return DropReason.zeroPort;
    this.port = port;
    this.portsKey = keyPorts(clientPort, port);
    this.tagKey = keyTag(this.cluster.index, this.protocol);
    return DropReason.none;
  }
}

/** Not "this network" (0/8), loopback (127/8), multicast or reserved (224/3): RFC 1122, section 3.2.1.3. */
function canBeClient(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}
