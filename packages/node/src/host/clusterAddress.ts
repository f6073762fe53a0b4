import assert from 'node:assert/strict';
import { parseIp, parseIpv4, type IpAddress } from 'libnetraw/wire';

/** An IPv4 address that the configuration or the kernel has vouched for, as an unsigned 32-bit number. */
export function ipv4Number(address: string): number {
  const value = parseIpv4(address);
  assert(value !== undefined, `not an IPv4 address: ${address}`);
  return value;
}

/** An address of either version that the configuration or the kernel has vouched for. */
export function ipAddress(address: string): IpAddress {
  const value = parseIp(address);
  assert(value !== undefined, `not an IP address: ${address}`);
  return value;
}
