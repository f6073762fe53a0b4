/** What follows from an IPv4 cluster address. */
import assert from 'node:assert/strict';
import { parseIpv4 } from 'libnetraw/wire';

/** An address that was checked before, as an unsigned 32-bit number. */
export function ipv4Number(address: string): number {
  const value = parseIpv4(address);
  assert(value !== undefined, `not an IPv4 address: ${address}`);
  return value;
}

/**
 * The virtual MAC of a cluster address: 02:52:4d (locally administered, "RM") and the low 24 bits of the address. Clients
 * and routers learn it by ARP; it stays the same whoever dispatches.
 */
export function virtualMac(address: string): Uint8Array {
  const value = ipv4Number(address);
  return Uint8Array.of(0x02, 0x52, 0x4d, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
