/**
 * All checks of `doctor`. Their names are stable: scripts look for them, and docs/operations.md has a table of them, which
 * a test compares with this one.
 */
export const CHECKS = [
  'platform',
  'node-version',
  'privileges',
  'clock',
  'configuration',
  'key',
  'loopback',
  'interface',
  'outside',
  'mtu',
  'rp-filter',
  'arp-ignore',
  'arp-announce',
  'ipv6',
  'cluster-address',
  'ghost-gateway-address',
  'ghost-gateway',
  'routing',
  'address-conflict',
  'kernel',
  'offloads',
  'firewall',
  'conntrack',
  'lan',
  'virtual-mac',
  'frame-size',
  'vrrp',
  'other-cluster',
  'ring-key',
  'control-socket',
  'ring-port',
  'leftover',
] as const;

export type CheckName = (typeof CHECKS)[number];

export const isCheckName = (text: string): text is CheckName => (CHECKS as readonly string[]).includes(text);
