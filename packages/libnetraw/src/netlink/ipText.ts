import { isIPv4, isIPv6 } from 'node:net';
import { libc } from '../libc/index.js';
import { AF_INET, AF_INET6 } from '../libc/constants.js';

/** An IP address as text, or its 4 or 16 bytes on the wire. */
export type AddressFamily = 'ipv4' | 'ipv6';

/** `'10.0.0.1'` -> 4 bytes, `'fe80::1'` -> 16 bytes, anything else -> undefined. */
export function parseIp(text: string): { family: AddressFamily; bytes: Uint8Array } | undefined {
  if (isIPv4(text)) return { family: 'ipv4', bytes: convert(AF_INET, text, 4) };
  if (isIPv6(text) && !text.includes('%')) return { family: 'ipv6', bytes: convert(AF_INET6, text, 16) };
  return undefined;
}

function convert(family: number, text: string, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  libc().inet_pton(family, text, bytes);
  return bytes;
}

/** 4 or 16 bytes -> the usual text (RFC 5952 for IPv6); undefined for any other length. */
export function formatIp(bytes: Uint8Array): string | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  const text = new Uint8Array(48);
  libc().inet_ntop(bytes.length === 4 ? AF_INET : AF_INET6, bytes, text, text.length);
  return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
}

/** AF_INET or AF_INET6. */
export function familyNumber(family: AddressFamily): number {
  return family === 'ipv4' ? AF_INET : AF_INET6;
}
