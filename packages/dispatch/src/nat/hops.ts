import { Ipv4At, readU16, updateChecksum16, writeU16 } from 'libnetraw/wire';
import type { PacketPlaces } from './packet.js';

const HOP_LIMIT_6 = 7;

/** The time to live, or hop limit, of a packet. */
export function hopsOf(memory: Uint8Array, { family, ipOffset }: PacketPlaces): number {
  return memory[ipOffset + (family === 4 ? Ipv4At.ttl : HOP_LIMIT_6)];
}

/** Takes one off the time to live, which must be above 1: who forwards a packet at 1 answers "time exceeded" instead. */
export function takeHop(memory: Uint8Array, { family, ipOffset }: PacketPlaces): void {
  if (family === 6) {
    memory[ipOffset + HOP_LIMIT_6]--;
    return;
  }
  const at = ipOffset + Ipv4At.ttl;
  const before = readU16(memory, at);
  memory[at]--;
  const checksumAt = ipOffset + Ipv4At.checksum;
  writeU16(memory, checksumAt, updateChecksum16(readU16(memory, checksumAt), before, readU16(memory, at)));
}
