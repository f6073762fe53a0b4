/**
 * What keys of the configuration are made of. Every error text here completes the sentence "expected ...": `parse.ts` puts the
 * place and the found value around it. What a function checks is told to editors in the words of JSON Schema, by `meta`.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { canonicalAddress } from '../address.js';

export const oneOf = (words: readonly string[]): string => `one of ${words.join(', ')}`;

export function whole(min: number, max: number, what: string) {
  const error = `${what} (a whole number from ${min} to ${max})`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export const milliseconds = (min: number, max: number) => whole(min, max, 'milliseconds');

export const portNumber = whole(1, 65535, 'a port number');

export const flag = z.boolean({ error: 'true or false' });

export const text = (error: string) => z.string({ error }).min(1, { error });

/** IFNAMSIZ is 16 with the closing zero; the kernel refuses slashes, colons and blanks. */
const INTERFACE = 'the name of a network interface, as `ip link` shows it';
export const interfaceName = z
  .string({ error: INTERFACE })
  .regex(/^[^\s/:]{1,15}$/, { error: INTERFACE })
  .meta({ 'x-type': 'name of an interface' });

export const ipv4 = (error: string) =>
  z.string({ error }).refine(isIPv4, { error }).meta({ format: 'ipv4', 'x-type': 'IPv4 address' });

/**
 * An address that hosts can own and others can call: not unspecified, loopback, multicast, broadcast or link-local, nor an
 * IPv4 address in the clothes of IPv6.
 */
function isUnicast(address: string): boolean {
  if (isIPv4(address)) {
    const [first, second] = address.split('.').map(Number);
    return first !== 0 && first !== 127 && first < 224 && !(first === 169 && second === 254);
  }
  return isIPv6(address) && !/^(::(1?$|ffff:)|ff|fe[89ab]|.*%)/i.test(canonicalAddress(address) ?? '%');
}

const unicast4 = {
  format: 'ipv4',
  not: { pattern: String.raw`^(0|127|22[4-9]|2[3-5]\d)\.|^169\.254\.` },
} as const;
const unicast6 = {
  format: 'ipv6',
  not: { pattern: '^(::(1?$|[fF]{4}:)|[fF][fF]|[fF][eE][89abAB])|%' },
} as const;
const linkLocal = { format: 'ipv6', pattern: '^[fF][eE][89abAB][0-9a-fA-F]:[^%]*$' } as const;

const ADDRESS = 'an IPv4 or IPv6 unicast address, like 10.0.0.100';
const addressText = z.string({ error: ADDRESS }).refine(isUnicast, { error: ADDRESS });
export const unicastAddress = addressText.meta({ anyOf: [unicast4, unicast6], 'x-type': 'address' });
export const unicastAddress6 = addressText
  .refine(isIPv6, { error: 'an IPv6 address of the interface' })
  .meta({ ...unicast6, 'x-type': 'IPv6 address' });

const isLinkLocal = (address: string): boolean =>
  isIPv6(address) && /^fe[89ab][0-9a-f]:[^%]*$/i.test(address);
const GATEWAY = 'an IPv4 or IPv6 address of the network of interface, like 10.0.0.1';
export const gatewayAddress = z
  .string({ error: GATEWAY })
  .refine((address) => isUnicast(address) || isLinkLocal(address), { error: GATEWAY })
  .meta({ anyOf: [unicast4, unicast6, linkLocal], 'x-type': 'address' });

/** `host:port` or `[v6]:port`. */
function isHostAndPort(value: string): boolean {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(value);
  if (match === null) return false;
  const port = Number(match[3]);
  return port >= 1 && port <= 65535 && (match[1] === undefined || isIPv6(match[1]));
}

/** 1 to 65535, in at most five digits. */
const PORT_PATTERN = String.raw`(?!0{1,5}$)([0-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])`;
const HOST_PORT_PATTERN = String.raw`^(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):${PORT_PATTERN}$`;
const HOST_PORT = 'a host and a port, like 127.0.0.1:80';
export const hostAndPort = z
  .string({ error: HOST_PORT })
  .refine(isHostAndPort, { error: HOST_PORT })
  .meta({ pattern: HOST_PORT_PATTERN, 'x-type': 'host and port' });
