import { isUnspecifiedIpv6, readI32 } from 'libnetraw/wire';

/** Whether an IPv4 address is not "this network" (0/8), loopback (127/8), multicast or reserved (224/3): RFC 1122, 3.2.1.3. */
export function canBeClient4(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

/**
 * Whether the IPv6 address at `offset` is not unspecified, loopback, multicast (RFC 4291, 2.7), nor IPv4 in disguise
 * (`::ffff:0:0/96`, `::/96`), and not link-local: such a packet is not to leave its link (RFC 4291, 2.5.6), and a server
 * that gets it over `lo` could not answer.
 */
export function canBeClient6(memory: Uint8Array, offset: number): boolean {
  const first = memory[offset];
  if (first === 0xff) return false;
  if (first === 0xfe && (memory[offset + 1] & 0xc0) === 0x80) return false;
  if (first !== 0) return true;
  if (isUnspecifiedIpv6(memory, offset)) return false;
  const isLow = readI32(memory, offset) === 0 && readI32(memory, offset + 4) === 0;
  const third = readI32(memory, offset + 8);
  return !isLow || (third !== 0 && third !== 0xffff);
}
