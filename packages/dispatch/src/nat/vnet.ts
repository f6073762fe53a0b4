/** What the 10-byte offload header before a frame says about rewriting it. */
import {
  decodeVnetHeader,
  IpProtocol,
  UDP_HEADER_BYTES,
  VNET_HEADER_BYTES,
  VnetFlag,
  VnetHeader,
  VnetSegmentation,
} from 'libnetraw/wire';
import { checksumOffset, type PacketPlaces } from './packet.js';

/** One instance reads header after header. */
export class OffloadReader {
  private readonly header = new VnetHeader();
  private readonly isThere: boolean;

  /** @param headroomBytes bytes before each frame that belong to it; without the ten of the header nothing is offloaded. */
  constructor(headroomBytes: number) {
    this.isThere = headroomBytes >= VNET_HEADER_BYTES;
  }

  /** Reads the header before the frame at `frameOffset`. */
  read(memory: Uint8Array, frameOffset: number): void {
    const { header } = this;
    const from = frameOffset - VNET_HEADER_BYTES;
    if (this.isThere && from >= 0) {
      decodeVnetHeader(memory, from, VNET_HEADER_BYTES, header);
      return;
    }
    header.flags = 0;
    header.segmentation = VnetSegmentation.none;
  }

  /** Whether the packet's own transport checksum is a partial sum. */
  isPartial(packet: PacketPlaces, frameOffset: number): boolean {
    const { flags, checksumStart, checksumOffset: checksumAt } = this.header;
    if ((flags & VnetFlag.needsChecksum) === 0) return false;
    return frameOffset + checksumStart + checksumAt === checksumOffset(packet);
  }

  /**
   * Bytes of the largest IP packet that becomes of this one on a wire: a super-frame is cut into segments, each with the
   * headers of the whole.
   */
  wireBytes(memory: Uint8Array, packet: PacketPlaces): number {
    const { segmentation, segmentBytes } = this.header;
    const { ipOffset, transportOffset, end } = packet;
    const wholeBytes = end - ipOffset;
    if (transportOffset < 0 || segmentBytes === 0) return wholeBytes;
    const headerBytes = transportHeaderBytes(memory, packet, segmentation);
    if (headerBytes === 0) return wholeBytes;
    return Math.min(wholeBytes, transportOffset - ipOffset + headerBytes + segmentBytes);
  }
}

/** Bytes of the transport header that each segment repeats; 0 when the frame is not one that is cut into segments. */
function transportHeaderBytes(memory: Uint8Array, packet: PacketPlaces, segmentation: number): number {
  const { protocol, transportOffset } = packet;
  const kind = segmentation & ~VnetSegmentation.ecn;
  if (protocol === IpProtocol.tcp && (kind === VnetSegmentation.tcp4 || kind === VnetSegmentation.tcp6)) {
    return (memory[transportOffset + 12] >>> 4) * 4;
  }
  if (protocol === IpProtocol.udp && kind === VnetSegmentation.udpL4) return UDP_HEADER_BYTES;
  return 0;
}
