/**
 * Rewriting one end of a packet where it lies: address, port, and every checksum that covers them, by what has changed
 * (RFC 1624) and not by adding up the packet. Rewriting back gives the same bytes again.
 */
import { foldSum, IpProtocol, Ipv4At, readU16, udpChecksumOnWire, writeU16 } from 'libnetraw/wire';
import {
  addressBytes,
  addressOffset,
  checksumOffset,
  hasPorts,
  isNoChecksum,
  otherSide,
  type PacketPlaces,
  portOffset,
  type Side,
} from './packet.js';

/** What stands in the place of an end. */
export interface End {
  /** Memory with the address, in network order. */
  readonly bytes: Uint8Array;
  /** Where it begins there: 4 bytes, or 16 for IPv6. */
  readonly at: number;
  /** 1 to 65535, or 0 to leave the port as it is. */
  readonly port: number;
}

/**
 * Puts `end` in the place of one side of a TCP or UDP packet; a fragment that is not the first has only addresses.
 *
 * @param partial whether the transport checksum is a partial sum (see `vnet.ts`): plain, not complemented, and of the
 *   pseudo header alone, so that a port is not in it.
 */
export function translate(
  memory: Uint8Array,
  packet: PacketPlaces,
  side: Side,
  end: End,
  partial: boolean,
): void {
  const ofAddress = replaceAddress(memory, packet, side, end);
  const at = checksumOffset(packet);
  if (at < 0) return;
  const ofPort = replacePort(memory, packet, side, end.port);
  if (partial) writeU16(memory, at, foldSum(readU16(memory, at) + ofAddress));
  else updateFull(memory, at, packet.protocol, ofAddress + ofPort);
}

/**
 * Puts `end` in the place of one side of an ICMP error, and of the other side of the packet that it quotes: who gets the
 * error had sent that packet. `quoted` says where the quoted headers stand; of its transport header there may be only the
 * ports, and its `end` is where the quotation ends.
 */
export function translateError(
  memory: Uint8Array,
  packet: PacketPlaces,
  quoted: PacketPlaces,
  side: Side,
  end: End,
  partial: boolean,
): void {
  const ofAddress = replaceAddress(memory, packet, side, end);
  const ofQuotation = translateQuoted(memory, quoted, otherSide(side), end);
  // Only ICMPv6 sums a pseudo header (RFC 4443, section 2.3).
  const ofPseudoHeader = packet.protocol === IpProtocol.icmpv6 ? ofAddress : 0;
  const at = checksumOffset(packet);
  if (partial) writeU16(memory, at, foldSum(readU16(memory, at) + ofPseudoHeader));
  else updateFull(memory, at, packet.protocol, ofPseudoHeader + ofQuotation);
}

/** Rewrites a quoted packet; returns by how much the sum of all its bytes changed, its own checksums included. */
function translateQuoted(memory: Uint8Array, quoted: PacketPlaces, side: Side, end: End): number {
  let change = 0;
  const headerAt = quoted.ipOffset + Ipv4At.checksum;
  const headerBefore = quoted.family === 4 ? readU16(memory, headerAt) : 0;
  const ofAddress = replaceAddress(memory, quoted, side, end);
  change += ofAddress;
  if (quoted.family === 4) change += changeOf(headerBefore, readU16(memory, headerAt));
  if (quoted.transportOffset < 0 || !hasPorts(quoted.protocol)) return change;
  const ofPort = replacePort(memory, quoted, side, end.port);
  change += ofPort;
  const at = checksumOffset(quoted);
  // Eight bytes of the transport header are sure (RFC 792); TCP's checksum comes later.
  if (at + 2 > quoted.end) return change;
  const before = readU16(memory, at);
  updateFull(memory, at, quoted.protocol, ofAddress + ofPort);
  return change + changeOf(before, readU16(memory, at));
}

/** Replaces an address and mends the IPv4 header checksum; returns by how much the address's sum changed. */
function replaceAddress(memory: Uint8Array, packet: PacketPlaces, side: Side, end: End): number {
  const at = addressOffset(packet, side);
  const length = addressBytes(packet.family);
  let change = 0;
  for (let i = 0; i < length; i += 2) {
    const word = readU16(end.bytes, end.at + i);
    change += changeOf(readU16(memory, at + i), word);
    writeU16(memory, at + i, word);
  }
  if (packet.family === 4) {
    const checksumAt = packet.ipOffset + Ipv4At.checksum;
    writeU16(memory, checksumAt, complementOf(readU16(memory, checksumAt), change));
  }
  return change;
}

function replacePort(memory: Uint8Array, packet: PacketPlaces, side: Side, port: number): number {
  if (port === 0 || !hasPorts(packet.protocol)) return 0;
  const at = portOffset(packet, side);
  const change = changeOf(readU16(memory, at), port);
  writeU16(memory, at, port);
  return change;
}

function updateFull(memory: Uint8Array, at: number, protocol: number, change: number): void {
  if (isNoChecksum(memory, at, protocol)) return;
  const checksum = complementOf(readU16(memory, at), change);
  writeU16(memory, at, protocol === IpProtocol.udp ? udpChecksumOnWire(checksum) : checksum);
}

/** What a one's complement sum changes by when one of its words does. */
function changeOf(before: number, after: number): number {
  return (~before & 0xffff) + after;
}

/** A full checksum after the sum of what it covers changed by `change` (RFC 1624, equation 3). */
function complementOf(checksum: number, change: number): number {
  return ~foldSum((~checksum & 0xffff) + change) & 0xffff;
}
