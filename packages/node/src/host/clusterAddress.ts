import assert from 'node:assert/strict';
import { parseIpv4 } from 'libnetraw/wire';

/** An IPv4 address that the configuration or the kernel has vouched for, as an unsigned 32-bit number. */
export function ipv4Number(address: string): number {
  const value = parseIpv4(address);
  assert(value !== undefined, `not an IPv4 address: ${address}`);
  return value;
}
