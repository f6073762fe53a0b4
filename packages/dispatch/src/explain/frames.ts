import {
  encodeEthernet,
  encodeIpv4,
  encodeIpv6,
  encodeTcp,
  encodeUdp,
  ETHERNET_HEADER_BYTES,
  EtherType,
  fillTransportChecksum4,
  fillTransportChecksum6,
  type IpAddress,
  IpProtocol,
  TcpFlag,
} from 'libnetraw/wire';

/** Kinds of packets of a client that are not treated alike. */
export const PACKETS = ['syn', 'data', 'fin', 'rst'] as const;
export type PacketName = (typeof PACKETS)[number];

const FLAGS: Readonly<Record<PacketName, number>> = {
  syn: TcpFlag.syn,
  data: TcpFlag.ack,
  fin: TcpFlag.fin | TcpFlag.ack,
  rst: TcpFlag.rst,
};

/** What a client's frame says. */
export interface ClientFrame {
  readonly clientAddress: IpAddress;
  readonly clientPort: number;
  /** Of the client's family. */
  readonly clusterAddress: IpAddress;
  readonly port: number;
  /** 6 or 17; a datagram is a datagram, whatever `packet`. */
  readonly protocol: number;
  readonly virtualMac: Uint8Array;
  readonly sourceMac: Uint8Array;
  readonly packet: PacketName;
}

/** The frame that a client, or its router, sends to a cluster; without payload. */
export function clientFrame(said: ClientFrame): Uint8Array {
  const { clientAddress: source, clusterAddress: destination, protocol } = said;
  const segmentBytes = protocol === IpProtocol.tcp ? 20 : 8;
  if (typeof source === 'number' && typeof destination === 'number') {
    const frame = new Uint8Array(ETHERNET_HEADER_BYTES + 20 + segmentBytes);
    encodeEthernet(frame, 0, said.virtualMac, said.sourceMac, EtherType.ipv4);
    const at = encodeIpv4(frame, ETHERNET_HEADER_BYTES, {
      source,
      destination,
      protocol,
      payloadLength: segmentBytes,
    });
    encodeSegment(frame, at, said);
    fillTransportChecksum4(frame, at, segmentBytes, source, destination, protocol);
    return frame;
  }
  if (typeof source === 'number' || typeof destination === 'number') {
    throw new RangeError('client and cluster are of one family');
  }
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + 40 + segmentBytes);
  encodeEthernet(frame, 0, said.virtualMac, said.sourceMac, EtherType.ipv6);
  const at = encodeIpv6(frame, ETHERNET_HEADER_BYTES, {
    source,
    destination,
    protocol,
    payloadLength: segmentBytes,
  });
  encodeSegment(frame, at, said);
  fillTransportChecksum6(frame, at, segmentBytes, ETHERNET_HEADER_BYTES + 8, protocol);
  return frame;
}

function encodeSegment(frame: Uint8Array, at: number, said: ClientFrame): void {
  const ports = { sourcePort: said.clientPort, destinationPort: said.port };
  if (said.protocol === IpProtocol.tcp) encodeTcp(frame, at, { ...ports, flags: FLAGS[said.packet] });
  else encodeUdp(frame, at, { ...ports, payloadLength: 0 });
}
