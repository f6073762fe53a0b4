import {
  checkTcp,
  decodeUdp,
  IpProtocol,
  readU16,
  TcpAt,
  TcpFlag,
  UDP_HEADER_BYTES,
  UdpHeader,
  WireStatus,
} from 'libnetraw/wire';
import { keyPorts, keyTag } from '../map/connectionKey.js';
import { DropReason } from '../verdicts.js';
import { type Flow, FlowKind } from './flow.js';

/** Reads ports and flags of TCP and UDP, whatever IP they came in. */
export class TransportReader {
  private readonly udp = new UdpHeader();

  /** Reads the TCP header of a segment of `length` bytes at `offset`; a first fragment must have all of it. */
  readTcp(memory: Uint8Array, offset: number, length: number, flow: Flow): DropReason {
    if (checkTcp(memory, offset, length) !== WireStatus.ok) {
      return flow.isFragment ? DropReason.badFragment : DropReason.malformedTransport;
    }
    const flags = memory[offset + TcpAt.flags];
    const syn = (flags & TcpFlag.syn) !== 0;
    if (syn && (flags & (TcpFlag.fin | TcpFlag.rst)) !== 0) return DropReason.badTcpFlags;
    flow.tcpFlags = flags;
    return setPorts(
      flow,
      IpProtocol.tcp,
      readU16(memory, offset),
      readU16(memory, offset + TcpAt.destinationPort),
    );
  }

  /** Reads the UDP header of a datagram, or of its first fragment, of `length` bytes at `offset`. */
  readUdp(memory: Uint8Array, offset: number, length: number, flow: Flow): DropReason {
    const { udp } = this;
    flow.tcpFlags = 0;
    if (flow.isFragment) return readFirstOfUdp(memory, offset, length, flow);
    if (decodeUdp(memory, offset, length, udp) !== WireStatus.ok) return DropReason.malformedTransport;
    return setPorts(flow, IpProtocol.udp, udp.sourcePort, udp.destinationPort);
  }
}

/** The length in its header is that of the whole datagram. */
function readFirstOfUdp(memory: Uint8Array, offset: number, length: number, flow: Flow): DropReason {
  if (length < UDP_HEADER_BYTES) return DropReason.badFragment;
  return setPorts(flow, IpProtocol.udp, readU16(memory, offset), readU16(memory, offset + 2));
}

/** Completes the key of a flow whose cluster and client are known. */
export function setPorts(flow: Flow, protocol: number, clientPort: number, port: number): DropReason {
  if (clientPort === 0 || port === 0) return DropReason.zeroPort;
  flow.kind = FlowKind.packet;
  flow.protocol = protocol;
  flow.port = port;
  flow.key.ports = keyPorts(clientPort, port);
  flow.key.tag = keyTag(flow.cluster.index, protocol);
  return DropReason.none;
}
