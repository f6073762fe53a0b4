import { decodeVnetHeader, encodeVnetHeader, MAC_BYTES, VNET_HEADER_BYTES, VnetHeader } from 'libnetraw/wire';

const ADDRESSES_BYTES = 2 * MAC_BYTES;
const vnet = new VnetHeader();

/**
 * Takes the VLAN tags, `tagBytes` of them, off the frame at `offset`: what stands before them moves up, so that the frame
 * begins `tagBytes` later. The `headroomBytes` before the frame move along; a vnet header among them keeps pointing at
 * the same checksum.
 */
export function stripTags(memory: Uint8Array, offset: number, tagBytes: number, headroomBytes: number): void {
  const start = Math.max(0, offset - headroomBytes);
  memory.copyWithin(start + tagBytes, start, offset + ADDRESSES_BYTES);
  const vnetOffset = offset + tagBytes - VNET_HEADER_BYTES;
  if (headroomBytes < VNET_HEADER_BYTES || vnetOffset < tagBytes) return;
  decodeVnetHeader(memory, vnetOffset, VNET_HEADER_BYTES, vnet);
  vnet.headerBytes = shorten(vnet.headerBytes, tagBytes);
  vnet.checksumStart = shorten(vnet.checksumStart, tagBytes);
  encodeVnetHeader(memory, vnetOffset, vnet);
}

/** A count that includes the tags; 0 where there is none. */
function shorten(bytes: number, tagBytes: number): number {
  return bytes > tagBytes ? bytes - tagBytes : bytes;
}
