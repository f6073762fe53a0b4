import {
  decodeIcmp,
  decodeQuotedIpv4,
  decodeQuotedIpv6,
  IcmpHeader,
  Ipv4At,
  Ipv4Header,
  ipv6Equals,
  Ipv6At,
  Ipv6Header,
  readI32,
  readU16,
  WireStatus,
} from 'libnetraw/wire';
import { FlowKind } from '../flow/flow.js';
import { isIcmpError } from '../flow/icmpReader.js';
import { keyPorts, keyTag } from '../map/connectionKey.js';
import type { ServiceTree } from '../serviceTree.js';
import { DropReason } from '../verdicts.js';
import { hasPorts } from './packet.js';
import type { ReturnFlow } from './returnFlow.js';

/** What is read of a quoted TCP or UDP header: its two ports. */
const PORTS_BYTES = 4;

/**
 * Reads ICMP that comes from the servers' side. An error about a packet that a client had sent to a service quotes it as
 * the server got it; the client must hear of it in its own words. All else is none of the services'.
 */
export class ReturnErrorReader {
  private readonly tree: ServiceTree;
  private readonly icmp = new IcmpHeader();
  private readonly quoted4 = new Ipv4Header();
  private readonly quoted6 = new Ipv6Header();

  constructor(tree: ServiceTree) {
    this.tree = tree;
  }

  /** Reads the ICMP message of `length` bytes; the flow's key has the client. Makes it an `error`, or `plain`. */
  read(memory: Uint8Array, length: number, flow: ReturnFlow): DropReason {
    const { icmp } = this;
    if (decodeIcmp(memory, flow.transportOffset, length, icmp) !== WireStatus.ok) {
      return flow.isFragment ? DropReason.badFragment : DropReason.malformedTransport;
    }
    flow.kind = FlowKind.plain;
    if (!isIcmpError(flow.family, icmp.type)) return DropReason.none;
    const isQuoted = flow.family === 4 ? this.readQuoted4(memory, flow) : this.readQuoted6(memory, flow);
    return isQuoted ? DropReason.none : DropReason.icmpNoConnection;
  }

  private readQuoted4(memory: Uint8Array, flow: ReturnFlow): boolean {
    const { icmp, quoted4: quoted } = this;
    const at = icmp.payloadOffset;
    const status = decodeQuotedIpv4(memory, at, icmp.payloadLength, quoted);
    if (status !== WireStatus.ok || quoted.fragmentOffset !== 0) return false;
    if (quoted.source !== readI32(memory, flow.ipOffset + Ipv4At.destination) >>> 0) return false;
    flow.serverAddressAt = at + Ipv4At.destination;
    return this.setQuoted(memory, quoted.protocol, quoted.payloadOffset, quoted.payloadLength, flow);
  }

  private readQuoted6(memory: Uint8Array, flow: ReturnFlow): boolean {
    const { icmp, quoted6: quoted } = this;
    const status = decodeQuotedIpv6(memory, icmp.payloadOffset, icmp.payloadLength, quoted);
    if (status !== WireStatus.ok || quoted.fragmentOffset !== 0) return false;
    const clientAt = flow.ipOffset + Ipv6At.destination;
    if (!ipv6Equals(memory, quoted.sourceOffset, memory, clientAt)) return false;
    flow.serverAddressAt = quoted.destinationOffset;
    return this.setQuoted(memory, quoted.protocol, quoted.payloadOffset, quoted.payloadLength, flow);
  }

  /** Of no service: passed on as it is, like the packet that it is about. */
  private setQuoted(
    memory: Uint8Array,
    protocol: number,
    offset: number,
    length: number,
    flow: ReturnFlow,
  ): boolean {
    if (!hasPorts(protocol)) return true;
    if (length < PORTS_BYTES) return false;
    const clientPort = readU16(memory, offset);
    const target = this.tree.translatedService(flow.family, protocol, readU16(memory, offset + 2));
    if (target === undefined) return true;
    if (clientPort === 0) return false;
    flow.kind = FlowKind.error;
    flow.protocol = protocol;
    flow.cluster = target.cluster;
    flow.service = target.service;
    flow.port = target.service.port;
    flow.quotedOffset = this.icmp.payloadOffset;
    flow.quotedTransportOffset = offset;
    flow.key.ports = keyPorts(clientPort, flow.port);
    flow.key.tag = keyTag(target.cluster.index, protocol);
    return true;
  }
}
