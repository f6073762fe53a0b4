/**
 * A member's address is an opaque, strictly ordered key (R1): an IPv4 address as an unsigned 32-bit number when the
 * ring runs over UDP, a MAC address as a 48-bit number when it runs over Ethernet. 0 means "none".
 */
export type Address = number;

export const NO_ADDRESS: Address = 0;

/** The broadcast address of the ring state (R2); a shell translates it into its own network's. */
export const BROADCAST: Address = 0xffff_ffff_ffff;

/**
 * Whether `x` lies strictly between `from` and `to` when one walks upwards from `from` and wraps round at the top.
 * With `from === to` (a ring of one) everything else lies between.
 */
export function isBetween(from: Address, x: Address, to: Address): boolean {
  if (x === from || x === to) return false;
  return from < to ? from < x && x < to : x > from || x < to;
}

export function formatIpv4(address: Address): string {
  return `${Math.floor(address / 0x100_0000) & 255}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Parses dotted-quad text; `undefined` for anything else. */
export function parseIpv4(text: string): Address | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let address = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255) return undefined;
    address = address * 256 + octet;
  }
  return address;
}
