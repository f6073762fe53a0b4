import {
  decodeVnetHeader,
  foldSum,
  sumBytes,
  udpChecksumOnWire,
  UdpAt,
  VNET_HEADER_BYTES,
  VnetFlag,
  VnetHeader,
  writeU16,
} from 'libnetraw/wire';

const header = new VnetHeader();

/**
 * Makes a partial checksum a full one, as a network card would, and clears the offload header's flag: for a packet that
 * leaves by a way that knows no offload. The offload header stands before the frame at `offset`; `packetBytes` is the
 * length of the frame up to the end of its IP packet, without padding. False, and nothing changed, when the offload
 * header points outside the packet.
 */
export function completeChecksum(memory: Uint8Array, offset: number, packetBytes: number): boolean {
  decodeVnetHeader(memory, offset - VNET_HEADER_BYTES, VNET_HEADER_BYTES, header);
  if ((header.flags & VnetFlag.needsChecksum) === 0) return true;
  const { checksumStart, checksumOffset } = header;
  if (checksumStart + checksumOffset + 2 > packetBytes) return false;
  // The partial sum is part of what is summed: it stands for the pseudo header.
  const sum = foldSum(sumBytes(memory, offset + checksumStart, packetBytes - checksumStart));
  const checksum = ~sum & 0xffff;
  // Where UDP's stands, zero would say "none"; to TCP the two forms of zero are the same.
  const isUdp = checksumOffset === UdpAt.checksum;
  writeU16(memory, offset + checksumStart + checksumOffset, isUdp ? udpChecksumOnWire(checksum) : checksum);
  memory[offset - VNET_HEADER_BYTES] &= ~VnetFlag.needsChecksum;
  return true;
}
