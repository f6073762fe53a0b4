import { IpProtocol, readU16, TcpAt, UdpAt } from 'libnetraw/wire';

/** Offsets of the addresses in the two IP headers, and their length. */
const SOURCE_4 = 12;
const SOURCE_6 = 8;
const ADDRESS_BYTES_4 = 4;
const ADDRESS_BYTES_6 = 16;
const ICMP_CHECKSUM_AT = 2;

/** Which end of a packet. */
export const Side = { source: 0, destination: 1 } as const;
export type Side = (typeof Side)[keyof typeof Side];

/** The other end: whoever is the source of a packet is the destination of what an error about it quotes. */
export function otherSide(side: Side): Side {
  return side === Side.source ? Side.destination : Side.source;
}

/**
 * Where the headers of an IP packet stand, as offsets into the memory that it lies in. Whoever fills this in has checked
 * that the headers are there.
 */
export interface PacketPlaces {
  /** IP version. */
  readonly family: 4 | 6;
  readonly ipOffset: number;
  /** TCP, UDP or ICMP: the protocol that stands at `transportOffset`. */
  readonly protocol: number;
  /** Where the transport header begins; -1 in a fragment that is not the first. */
  readonly transportOffset: number;
  /** Where the packet ends: after its last byte. */
  readonly end: number;
}

/** Bytes of an address of this family. */
export function addressBytes(family: 4 | 6): number {
  return family === 4 ? ADDRESS_BYTES_4 : ADDRESS_BYTES_6;
}

/** Where the address of one side stands. */
export function addressOffset(packet: PacketPlaces, side: Side): number {
  const { family, ipOffset } = packet;
  return family === 4
    ? ipOffset + SOURCE_4 + side * ADDRESS_BYTES_4
    : ipOffset + SOURCE_6 + side * ADDRESS_BYTES_6;
}

/** Whether the protocol's header begins with two ports. */
export function hasPorts(protocol: number): boolean {
  return protocol === IpProtocol.tcp || protocol === IpProtocol.udp;
}

/** Where the port of one side stands; only with {@link hasPorts}, in a packet with a transport header. */
export function portOffset(packet: PacketPlaces, side: Side): number {
  return packet.transportOffset + side * 2;
}

/** Where the transport's checksum stands, or -1: no transport header here, or a protocol that nobody rewrites. */
export function checksumOffset(packet: PacketPlaces): number {
  const { protocol, transportOffset } = packet;
  if (transportOffset < 0) return -1;
  if (protocol === IpProtocol.tcp) return transportOffset + TcpAt.checksum;
  if (protocol === IpProtocol.udp) return transportOffset + UdpAt.checksum;
  if (protocol === IpProtocol.icmp || protocol === IpProtocol.icmpv6)
    return transportOffset + ICMP_CHECKSUM_AT;
  return -1;
}

/** Whether the checksum at `offset` is UDP's way to say that there is none (RFC 768). */
export function isNoChecksum(memory: Uint8Array, offset: number, protocol: number): boolean {
  return protocol === IpProtocol.udp && readU16(memory, offset) === 0;
}
