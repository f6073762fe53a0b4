import { readU16, readU32, writeU16, writeU32 } from './bytes.js';
import {
  foldSum,
  internetChecksum,
  pseudoHeaderSum4,
  pseudoHeaderSum6,
  sumBytes,
  udpChecksumOnWire,
} from './checksum.js';
import { ETHERNET_HEADER_BYTES, EtherType, VLAN_TAG_BYTES } from './ethernet.js';
import { IpProtocol, IPV4_HEADER_BYTES } from './ipv4.js';
import { TCP_HEADER_BYTES, TcpAt, TcpFlag } from './tcp.js';
import { UDP_HEADER_BYTES, UdpAt } from './udp.js';
import { decodeVnetHeader, VNET_HEADER_BYTES, VnetFlag, VnetHeader, VnetSegmentation } from './vnetHeader.js';

/** Bounds the work for one super-frame: 64 KiB in segments of 128 bytes. */
export const MAX_SEGMENTS = 512;
const IPV6_HEADER_BYTES = 40;
const TCP_SEQUENCE_AT = 4;

/**
 * Does in software what a frame's offload header leaves to the network card: finishes a partial checksum, and cuts a TCP or
 * UDP super-frame into the packets that it stands for. For ways out that know no offload header, such as a raw IP socket.
 *
 * `read` looks at a frame, `write` then makes its packets, as often as wanted while the frame stays as it is.
 */
export class Segmenter {
  private memory: Uint8Array = new Uint8Array(0);
  private readonly vnet = new VnetHeader();
  private ip = 0;
  private version: 4 | 6 = 4;
  private end = 0;
  /** Bytes of the headers of each segment, from the IP header on; the payload follows. */
  private headers = 0;
  private transport = 0;
  private count = 0;

  /**
   * Reads the Ethernet frame of `length` bytes at `offset`, VLAN tags included, its offload header directly before it.
   * Returns how many IP packets it stands for; 0 when it is none, contradicts itself, or would be more than
   * {@link MAX_SEGMENTS}.
   */
  read(memory: Uint8Array, offset: number, length: number): number {
    this.memory = memory;
    this.count = 0;
    if (length < ETHERNET_HEADER_BYTES) return 0;
    decodeVnetHeader(memory, offset - VNET_HEADER_BYTES, VNET_HEADER_BYTES, this.vnet);
    if (!this.readIp(offset, offset + length)) return 0;
    this.transport = offset + this.vnet.checksumStart;
    if ((this.vnet.flags & VnetFlag.needsChecksum) !== 0) {
      const field = this.transport + this.vnet.checksumOffset;
      if (this.transport < this.ip || field + 2 > this.end) return 0;
    }
    this.count = this.vnet.segmentation === VnetSegmentation.none ? 1 : this.countSegments();
    return this.count;
  }

  /** Most bytes that {@link write} writes for one packet. */
  get packetBytes(): number {
    const whole = this.end - this.ip;
    return this.count === 1 ? whole : Math.min(whole, this.headers + this.vnet.segmentBytes);
  }

  /** Writes a packet, IP header first, every checksum complete, to `into`. Returns its bytes. */
  write(index: number, into: Uint8Array, at: number): number {
    if (this.vnet.segmentation !== VnetSegmentation.none) return this.writeSegment(index, into, at);
    const bytes = this.end - this.ip;
    copy(this.memory, this.ip, into, at, bytes);
    if ((this.vnet.flags & VnetFlag.needsChecksum) !== 0) {
      const start = at + this.transport - this.ip;
      // The field holds the sum of the pseudo header, so it takes part in the sum.
      const checksum = ~foldSum(sumBytes(into, start, at + bytes - start)) & 0xffff;
      const isUdp = this.vnet.checksumOffset === UdpAt.checksum;
      writeU16(into, start + this.vnet.checksumOffset, isUdp ? udpChecksumOnWire(checksum) : checksum);
    }
    return bytes;
  }

  /** Finds the IP packet and its end, which padding may follow. */
  private readIp(offset: number, frameEnd: number): boolean {
    const { memory } = this;
    let at = offset + ETHERNET_HEADER_BYTES;
    let etherType = readU16(memory, at - 2);
    for (
      let tags = 0;
      tags < 2 && (etherType === EtherType.vlan || etherType === EtherType.serviceVlan);
      tags++
    ) {
      at += VLAN_TAG_BYTES;
      if (at > frameEnd) return false;
      etherType = readU16(memory, at - 2);
    }
    this.ip = at;
    if (etherType === EtherType.ipv4) {
      if (at + IPV4_HEADER_BYTES > frameEnd || memory[at] >>> 4 !== 4) return false;
      this.version = 4;
      this.end = at + readU16(memory, at + 2);
      return this.end <= frameEnd && this.end >= at + (memory[at] & 0xf) * 4 && (memory[at] & 0xf) >= 5;
    }
    if (etherType !== EtherType.ipv6 || at + IPV6_HEADER_BYTES > frameEnd || memory[at] >>> 4 !== 6)
      return false;
    this.version = 6;
    this.end = at + IPV6_HEADER_BYTES + readU16(memory, at + 4);
    return this.end <= frameEnd;
  }

  private countSegments(): number {
    const { vnet, memory, transport } = this;
    if ((vnet.flags & VnetFlag.needsChecksum) === 0 || vnet.segmentBytes === 0) return 0;
    const kind = vnet.segmentation & ~VnetSegmentation.ecn;
    const isTcp = kind === VnetSegmentation.tcp4 || kind === VnetSegmentation.tcp6;
    if (!isTcp && kind !== VnetSegmentation.udpL4) return 0;
    let headerBytes = UDP_HEADER_BYTES;
    if (isTcp) {
      if (transport + TCP_HEADER_BYTES > this.end) return 0;
      headerBytes = (memory[transport + 12] >>> 4) * 4;
      if (headerBytes < TCP_HEADER_BYTES) return 0;
    }
    const payload = this.end - transport - headerBytes;
    if (payload < 0) return 0;
    this.headers = transport + headerBytes - this.ip;
    const count = Math.max(1, Math.ceil(payload / vnet.segmentBytes));
    return count > MAX_SEGMENTS ? 0 : count;
  }

  private writeSegment(index: number, into: Uint8Array, at: number): number {
    const { memory, ip, headers, vnet } = this;
    const skipped = index * vnet.segmentBytes;
    const payload = Math.min(vnet.segmentBytes, this.end - ip - headers - skipped);
    copy(memory, ip, into, at, headers);
    copy(memory, ip + headers + skipped, into, at + headers, payload);
    const bytes = headers + payload;
    this.writeIpLength(index, into, at, bytes);
    const transport = at + this.transport - ip;
    const isUdp = (vnet.segmentation & ~VnetSegmentation.ecn) === VnetSegmentation.udpL4;
    if (isUdp) writeU16(into, transport + UdpAt.length, at + bytes - transport);
    else this.writeTcp(index, into, transport, skipped);
    this.writeChecksum(into, at, transport, at + bytes - transport, isUdp);
    return bytes;
  }

  /** Each segment of IPv4 has an identification of its own, as if it had been sent alone. */
  private writeIpLength(index: number, into: Uint8Array, at: number, bytes: number): void {
    if (this.version === 6) return writeU16(into, at + 4, bytes - IPV6_HEADER_BYTES);
    writeU16(into, at + 2, bytes);
    writeU16(into, at + 4, readU16(this.memory, this.ip + 4) + index);
    writeU16(into, at + 10, 0);
    writeU16(into, at + 10, internetChecksum(into, at, (into[at] & 0xf) * 4));
  }

  /** FIN and PSH belong to the last segment, CWR to the first (RFC 3168). */
  private writeTcp(index: number, into: Uint8Array, transport: number, skipped: number): void {
    const sequence = transport + TCP_SEQUENCE_AT;
    writeU32(into, sequence, readU32(into, sequence) + skipped);
    if (index < this.count - 1) into[transport + TcpAt.flags] &= ~(TcpFlag.fin | TcpFlag.psh);
    if (index > 0) into[transport + TcpAt.flags] &= ~TcpFlag.cwr;
  }

  private writeChecksum(
    into: Uint8Array,
    at: number,
    transport: number,
    bytes: number,
    isUdp: boolean,
  ): void {
    const protocol = isUdp ? IpProtocol.udp : IpProtocol.tcp;
    const field = transport + (isUdp ? UdpAt.checksum : TcpAt.checksum);
    const pseudo =
      this.version === 4
        ? pseudoHeaderSum4(readU32(into, at + 12), readU32(into, at + 16), protocol, bytes)
        : pseudoHeaderSum6(into, at + 8, at + 24, protocol, bytes);
    writeU16(into, field, 0);
    const checksum = internetChecksum(into, transport, bytes, pseudo);
    writeU16(into, field, isUdp ? udpChecksumOnWire(checksum) : checksum);
  }
}

/** Byte by byte where `set` would need a view; fast enough for what goes this way. */
function copy(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, bytes: number): void {
  for (let i = 0; i < bytes; i++) to[toOffset + i] = from[fromOffset + i];
}
