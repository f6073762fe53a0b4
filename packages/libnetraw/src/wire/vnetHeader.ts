/**
 * The 10-byte `virtio_net_hdr` that a packet socket with PACKET_VNET_HDR puts before each frame: what offload left to
 * do. It is in the host's own byte order (linux/virtio_net.h, legacy layout), unlike everything after it.
 */
import { WireStatus } from './status.js';

/** Bytes before the frame. */
export const VNET_HEADER_BYTES = 10;

/** Bits of the flags byte. */
export const VnetFlag = {
  /** The checksum at `checksumStart + checksumOffset` is partial; see `checksum.ts`. */
  needsChecksum: 1,
  /** The checksum has been verified. */
  dataValid: 2,
} as const;

/** Kinds of super-frame. `ecn` is a bit that may be added to the TCP ones. */
export const VnetSegmentation = { none: 0, tcp4: 1, udp: 3, tcp6: 4, udpL4: 5, ecn: 0x80 } as const;

/** A decoded vnet header. */
export class VnetHeader {
  flags = 0;
  /** See {@link VnetSegmentation}. */
  segmentation = 0;
  /** Bytes of all protocol headers of a super-frame; a hint. */
  headerBytes = 0;
  /** Payload bytes of each segment of a super-frame. */
  segmentBytes = 0;
  /** From the start of the frame, where the summed bytes begin. */
  checksumStart = 0;
  /** From there, where the checksum stands. */
  checksumOffset = 0;
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function readNative(memory: Uint8Array, offset: number): number {
  const first = memory[offset];
  const second = memory[offset + 1];
  return LITTLE_ENDIAN ? first | (second << 8) : (first << 8) | second;
}

function writeNative(memory: Uint8Array, offset: number, value: number): void {
  memory[offset] = LITTLE_ENDIAN ? value : value >>> 8;
  memory[offset + 1] = LITTLE_ENDIAN ? value >>> 8 : value;
}

/** Decodes the vnet header at `offset`. */
export function decodeVnetHeader(
  memory: Uint8Array,
  offset: number,
  length: number,
  into: VnetHeader,
): WireStatus {
  if (length < VNET_HEADER_BYTES) return WireStatus.truncated;
  into.flags = memory[offset];
  into.segmentation = memory[offset + 1];
  into.headerBytes = readNative(memory, offset + 2);
  into.segmentBytes = readNative(memory, offset + 4);
  into.checksumStart = readNative(memory, offset + 6);
  into.checksumOffset = readNative(memory, offset + 8);
  return WireStatus.ok;
}

/** Writes a vnet header; one of all zero bytes says "nothing left to do". Returns the offset after it. */
export function encodeVnetHeader(memory: Uint8Array, offset: number, header: VnetHeader): number {
  memory[offset] = header.flags;
  memory[offset + 1] = header.segmentation;
  writeNative(memory, offset + 2, header.headerBytes);
  writeNative(memory, offset + 4, header.segmentBytes);
  writeNative(memory, offset + 6, header.checksumStart);
  writeNative(memory, offset + 8, header.checksumOffset);
  return offset + VNET_HEADER_BYTES;
}

/** Corrects a vnet header after `bytes` were inserted in front of what it speaks of, such as a VLAN tag. */
export function shiftVnetHeader(memory: Uint8Array, offset: number, bytes: number): void {
  if (memory[offset + 1] !== VnetSegmentation.none) {
    writeNative(memory, offset + 2, readNative(memory, offset + 2) + bytes);
  }
  if ((memory[offset] & VnetFlag.needsChecksum) !== 0) {
    writeNative(memory, offset + 6, readNative(memory, offset + 6) + bytes);
  }
}
