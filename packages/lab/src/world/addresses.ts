/** Addresses of the lab follow from the host's IPv4 address, so that they can be read in a capture. */

/** `02:00:` and the four bytes of the IPv4 address: 10.0.0.11 is 02:00:0a:00:00:0b. */
export function macOf(address: string): string {
  return ['02', '00', ...hexBytes(address)].join(':');
}

/**
 * The IPv6 address that ends like the IPv4 one, to the eye: in fd00:a::/64, 10.0.0.11 (with or without prefix length) is
 * fd00:a::11. Undefined without a network.
 */
export function address6Of(network6: string | undefined, address: string): string | undefined {
  if (network6 === undefined) return undefined;
  return `${network6.split('/')[0]}${address.split('/')[0].split('.')[3]}`;
}

/** 10.0.0.11 is fe80::a00:b. */
export function linkLocalOf(address: string): string {
  const [a, b, c, d] = hexBytes(address.split('/')[0]);
  return `fe80::${a}${b}:${c}${d}`;
}

/** 10.0.0.0/24 -> 10.0.0.1/24. */
export function firstAddress(network: string): string {
  const [address, prefix] = network.split('/');
  const bytes = address.split('.');
  bytes[3] = String(Number(bytes[3]) + 1);
  return `${bytes.join('.')}/${prefix}`;
}

function hexBytes(address: string): string[] {
  return address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
}
