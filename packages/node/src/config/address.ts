import { isIPv4 } from 'node:net';
import { formatIp, parseIp } from 'libnetraw/wire';

/** One spelling per address, so that `::1` and `0:0::1` are the same; undefined when it is none. */
export function canonicalAddress(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const address = parseIp(value);
  return address === undefined ? undefined : formatIp(address);
}

/** What `address` is called in messages. */
export const versionOf = (address: string): 'IPv4' | 'IPv6' => (isIPv4(address) ? 'IPv4' : 'IPv6');
