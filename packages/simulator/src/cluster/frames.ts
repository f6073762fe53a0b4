import { virtualMacOf } from '@ringmaster/dispatch';
import {
  encodeEthernet,
  encodeIpv4,
  encodeTcp,
  ETHERNET_HEADER_BYTES,
  EtherType,
  IPV4_HEADER_BYTES,
  IpProtocol,
  readU16,
  TCP_HEADER_BYTES,
  TcpAt,
} from 'libnetraw/wire';

/** Kept free before each frame, as the vnet header is. */
export const HEADROOM_BYTES = 10;
/** 10.0.255.100 and its service. */
export const CLUSTER_ADDRESS = 10 * 0x100_0000 + 0xff64;
export const SERVICE_PORT = 80;
export const VIRTUAL_MAC = virtualMacOf(CLUSTER_ADDRESS);

/** The MAC of the station with this index. */
export function macOf(index: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, (index + 1) >> 8, (index + 1) & 255);
}
/** 192.168.9.9: all clients behind one router; their ports tell them apart. */
export const CLIENT_ADDRESS = 192 * 0x100_0000 + 168 * 0x1_0000 + 9 * 256 + 9;
const ROUTER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0xfe);
const TCP_OFFSET = HEADROOM_BYTES + ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES;
const FRAME_BYTES = TCP_OFFSET + TCP_HEADER_BYTES;

/** A client's segment to the cluster address, as its router sends it: a real frame, with headroom before it. */
export function clientFrame(clientPort: number, flags: number): Uint8Array {
  const frame = new Uint8Array(FRAME_BYTES);
  const ipAt = encodeEthernet(frame, HEADROOM_BYTES, VIRTUAL_MAC, ROUTER_MAC, EtherType.ipv4);
  const tcpAt = encodeIpv4(frame, ipAt, {
    source: CLIENT_ADDRESS,
    destination: CLUSTER_ADDRESS,
    protocol: IpProtocol.tcp,
    payloadLength: TCP_HEADER_BYTES,
  });
  encodeTcp(frame, tcpAt, { sourcePort: clientPort, destinationPort: SERVICE_PORT, flags });
  return frame;
}

export function clientPortOf(frame: Uint8Array): number {
  return readU16(frame, TCP_OFFSET);
}

export function flagsOf(frame: Uint8Array): number {
  return frame[TCP_OFFSET + TcpAt.flags] as number;
}
