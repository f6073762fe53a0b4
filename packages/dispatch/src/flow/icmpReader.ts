import {
  decodeIcmp,
  decodeQuotedIpv4,
  decodeQuotedIpv6,
  IcmpHeader,
  IcmpType,
  Icmpv6Type,
  IpProtocol,
  Ipv4Header,
  Ipv6At,
  ipv6Equals,
  Ipv6Header,
  readU16,
  WireStatus,
} from 'libnetraw/wire';
import type { AddressFamily } from '../map/connectionRecord.js';
import { DropReason } from '../verdicts.js';
import { type Flow, FlowKind } from './flow.js';
import { setPorts } from './transportReader.js';

/** What is read of a quoted TCP or UDP header: its two ports. */
const PORTS_BYTES = 4;

/**
 * Reads ICMP that a client or a router sends to a cluster address: a ping, or an error about a packet that a server has
 * sent from that address. The packet is quoted in it, and names the connection whose server must hear of it (trap 8).
 */
export class IcmpReader {
  private readonly icmp = new IcmpHeader();
  private readonly quoted4 = new Ipv4Header();
  private readonly quoted6 = new Ipv6Header();

  /** Reads the ICMP message of `length` bytes at `offset`; the flow's IP header and cluster are known. */
  read4(memory: Uint8Array, offset: number, length: number, flow: Flow): DropReason {
    const { icmp } = this;
    if (decodeIcmp(memory, offset, length, icmp) !== WireStatus.ok) return cutOff(flow);
    if (icmp.type === IcmpType.echoRequest) return setEcho(flow, IpProtocol.icmp);
    return isIcmpError(4, icmp.type) ? this.readQuoted4(memory, flow) : DropReason.icmpNotEcho;
  }

  /** Reads the ICMPv6 message of `length` bytes at `offset`; the flow's IP header and cluster are known. */
  read6(memory: Uint8Array, offset: number, length: number, flow: Flow): DropReason {
    const { icmp } = this;
    if (decodeIcmp(memory, offset, length, icmp) !== WireStatus.ok) return cutOff(flow);
    if (icmp.type === Icmpv6Type.echoRequest) return setEcho(flow, IpProtocol.icmpv6);
    return isIcmpError(6, icmp.type) ? this.readQuoted6(memory, flow) : DropReason.icmpNotEcho;
  }

  private readQuoted4(memory: Uint8Array, flow: Flow): DropReason {
    const { icmp, quoted4: quoted } = this;
    const status = decodeQuotedIpv4(memory, icmp.payloadOffset, icmp.payloadLength, quoted);
    if (status !== WireStatus.ok || quoted.fragmentOffset !== 0) return DropReason.icmpNoConnection;
    if (quoted.source !== flow.cluster.address) return DropReason.icmpNoConnection;
    flow.key.setClient4(quoted.destination);
    flow.quotedOffset = icmp.payloadOffset;
    return setQuoted(memory, quoted.protocol, quoted.payloadOffset, quoted.payloadLength, flow);
  }

  private readQuoted6(memory: Uint8Array, flow: Flow): DropReason {
    const { icmp, quoted6: quoted } = this;
    const status = decodeQuotedIpv6(memory, icmp.payloadOffset, icmp.payloadLength, quoted);
    if (status !== WireStatus.ok || quoted.fragmentOffset !== 0) return DropReason.icmpNoConnection;
    if (!ipv6Equals(memory, quoted.sourceOffset, memory, flow.ipOffset + Ipv6At.destination)) {
      return DropReason.icmpNoConnection;
    }
    flow.key.readClient6(memory, quoted.destinationOffset);
    flow.quotedOffset = icmp.payloadOffset;
    return setQuoted(memory, quoted.protocol, quoted.payloadOffset, quoted.payloadLength, flow);
  }
}

/** The server's packet goes from the cluster's port to the client's: the other way round than what the map knows. */
function setQuoted(
  memory: Uint8Array,
  protocol: number,
  offset: number,
  length: number,
  flow: Flow,
): DropReason {
  const hasPorts = protocol === IpProtocol.tcp || protocol === IpProtocol.udp;
  if (!hasPorts || length < PORTS_BYTES) return DropReason.icmpNoConnection;
  const reason = setPorts(flow, protocol, readU16(memory, offset + 2), readU16(memory, offset));
  flow.kind = FlowKind.error;
  flow.tcpFlags = 0;
  flow.quotedTransportOffset = offset;
  return reason === DropReason.none ? reason : DropReason.icmpNoConnection;
}

function setEcho(flow: Flow, protocol: number): DropReason {
  flow.kind = FlowKind.echo;
  flow.protocol = protocol;
  flow.tcpFlags = 0;
  return DropReason.none;
}

function cutOff(flow: Flow): DropReason {
  return flow.isFragment ? DropReason.badFragment : DropReason.malformedTransport;
}

/**
 * Whether an ICMP message is an error about a packet; not a redirect (RFC 1122 gives hosts no use for one here) nor a
 * source quench (RFC 6633).
 */
export function isIcmpError(family: AddressFamily, type: number): boolean {
  if (family === 6) return type >= Icmpv6Type.unreachable && type <= Icmpv6Type.parameterProblem;
  return (
    type === IcmpType.unreachable || type === IcmpType.timeExceeded || type === IcmpType.parameterProblem
  );
}
