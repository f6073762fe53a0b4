/** Packets made by hand, not by the codecs under test, with their checksums added up from scratch. */
import fc from 'fast-check';
import type { PacketPlaces } from '../../src/nat/packet.js';

/** Bytes kept free before each frame, as the offload header is. */
export const HEADROOM = 10;
export const LINK_BYTES = 14;

export interface Endpoint {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** A frame in a memory, and where its headers stand. */
export interface Built {
  readonly memory: Uint8Array;
  readonly offset: number;
  readonly packet: PacketPlaces;
}

/** The folded one's complement sum of words, by its definition. */
export function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

const word = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];

function pseudoHeader(source: Endpoint, destination: Endpoint, protocol: number, length: number): Uint8Array {
  return Uint8Array.from([...source.address, ...destination.address, ...word(length), ...word(protocol)]);
}

const CHECKSUM_AT: Readonly<Record<number, number>> = { 1: 2, 6: 16, 17: 6, 58: 2 };

/** The checksum that a segment should have: 0 for ICMP over IPv4's pseudo header, and never 0 for UDP. */
export function fullChecksum(
  segment: Uint8Array,
  source: Endpoint,
  destination: Endpoint,
  protocol: number,
): number {
  const blank = segment.slice();
  blank.set([0, 0], CHECKSUM_AT[protocol]);
  const pseudo =
    protocol === 1 ? new Uint8Array(0) : pseudoHeader(source, destination, protocol, segment.length);
  const sum = sumOf(Uint8Array.from([...word(sumOf(pseudo)), ...word(sumOf(blank))]));
  const checksum = ~sum & 0xffff;
  return protocol === 17 && checksum === 0 ? 0xffff : checksum;
}

/** The sum of a segment's pseudo header, which is what stands in a partial checksum. */
export function partialSum(
  segment: Uint8Array,
  source: Endpoint,
  destination: Endpoint,
  protocol: number,
): number {
  return sumOf(pseudoHeader(source, destination, protocol, segment.length));
}

function tcp(source: Endpoint, destination: Endpoint, payload: Uint8Array): number[] {
  return [
    ...word(source.port),
    ...word(destination.port),
    ...[1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 0xfa, 0xf0, 0, 0, 0, 0],
    ...payload,
  ];
}

function udp(source: Endpoint, destination: Endpoint, payload: Uint8Array): number[] {
  return [...word(source.port), ...word(destination.port), ...word(8 + payload.length), 0, 0, ...payload];
}

function ipHeader(
  source: Endpoint,
  destination: Endpoint,
  protocol: number,
  payloadBytes: number,
  hops: number,
): Uint8Array {
  if (source.address.length === 16) {
    const start = [0x60, 0, 0, 0, ...word(payloadBytes), protocol, hops];
    return Uint8Array.from([...start, ...source.address, ...destination.address]);
  }
  const start = [0x45, 0, ...word(20 + payloadBytes), 0x12, 0x34, 0x40, 0, hops, protocol, 0, 0];
  const header = Uint8Array.from([...start, ...source.address, ...destination.address]);
  header.set(word(~sumOf(header) & 0xffff), 10);
  return header;
}

export type Sum = 'full' | 'partial' | 'none';

/** An IP packet with a TCP or UDP segment. */
export function segmentPacket(
  source: Endpoint,
  destination: Endpoint,
  protocol: number,
  payload: Uint8Array,
  sum: Sum,
  hops = 64,
): Uint8Array {
  const segment = Uint8Array.from((protocol === 6 ? tcp : udp)(source, destination, payload));
  const checksum = { full: fullChecksum, partial: partialSum, none: () => 0 }[sum];
  segment.set(word(checksum(segment, source, destination, protocol)), CHECKSUM_AT[protocol]);
  return Uint8Array.from([...ipHeader(source, destination, protocol, segment.length, hops), ...segment]);
}

/** An IP packet with an ICMP error that quotes `quotation`. */
export function errorPacket(
  source: Endpoint,
  destination: Endpoint,
  quotation: Uint8Array,
  hops = 64,
): Uint8Array {
  const v6 = source.address.length === 16;
  const protocol = v6 ? 58 : 1;
  const message = Uint8Array.from([v6 ? 1 : 3, v6 ? 4 : 3, 0, 0, 0, 0, 0, 0, ...quotation]);
  message.set(word(fullChecksum(message, source, destination, protocol)), 2);
  return Uint8Array.from([...ipHeader(source, destination, protocol, message.length, hops), ...message]);
}

/** Puts an IP packet into a frame; its transport header follows the IP header. */
export function frameOf(ip: Uint8Array, linkBytes = LINK_BYTES): Built {
  const memory = new Uint8Array(HEADROOM + linkBytes + ip.length);
  memory.set([2, 0x52, 0x4d, 0, 0, 0x64, 2, 0, 0, 0, 0, 0xfe], HEADROOM);
  memory.set(ip[0] >>> 4 === 4 ? [0x08, 0x00] : [0x86, 0xdd], HEADROOM + linkBytes - 2);
  memory.set(ip, HEADROOM + linkBytes);
  return { memory, offset: HEADROOM, packet: placesOf(ip, HEADROOM + linkBytes) };
}

/** Where the headers of an IP packet without extensions stand, when it begins at `at`. */
export function placesOf(ip: Uint8Array, at: number): PacketPlaces {
  const v4 = ip[0] >>> 4 === 4;
  const headerBytes = v4 ? 20 : 40;
  return {
    family: v4 ? 4 : 6,
    ipOffset: at,
    protocol: ip[v4 ? 9 : 6],
    transportOffset: at + headerBytes,
    end: at + ip.length,
  };
}

/** Says in the offload header that the transport checksum is partial. */
export function markPartial({ memory, offset, packet }: Built): void {
  memory[offset - HEADROOM] = 1;
  const start = new Uint16Array([packet.transportOffset - offset, CHECKSUM_AT[packet.protocol]]);
  memory.set(new Uint8Array(start.buffer), offset - 4);
}

export const ends = (family: 4 | 6): fc.Arbitrary<Endpoint> =>
  fc.record({
    address: fc.uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 }),
    port: fc.integer({ min: 1, max: 0xffff }),
  });

export const families = fc.constantFrom<4 | 6>(4, 6);
export const protocols = fc.constantFrom(6, 17);
export const payloads = fc.uint8Array({ maxLength: 40 });
