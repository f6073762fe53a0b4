/**
 * What a host needs so that it can serve cluster addresses beside others that own the same ones, worked out from what is
 * there already. Pure: it reads, and says what to change.
 */
import type { HostChange } from './journal.js';
import { familyOf, type HostCluster } from './hostCluster.js';
import type { HostInterface, UsableLink } from './hostInterface.js';
import { gatewayChanges } from './ghostGateway.js';
import type { HostView } from './network.js';
import { errorCode, hostProblem, type HostResult } from './problem.js';
import { isIPv6 } from 'node:net';

const sysctl = (interfaceName: string, name: string): string => `net/ipv4/conf/${interfaceName}/${name}`;

/**
 * Linux uses, for each of these settings, the greater one of `all` and the interface's (ip-sysctl). `accepted` are the
 * values that do: a stricter one that somebody has set is left alone.
 */
const ARP_SETTINGS = [
  // Answer only for addresses on the interface that was asked, so that nobody answers for the one on `lo`.
  { name: 'arp_ignore', accepted: ['1', '2'], value: '1' },
  // Never give the cluster address as the sender of an ARP request: the router would believe it.
  { name: 'arp_announce', accepted: ['2'], value: '2' },
] as const;

/**
 * Nothing is asked of an interface where `all` had a value that does: what a container is given from outside is enough, and
 * there its interfaces' settings can be read only.
 */
function arpChanges(network: HostView, interfaces: readonly string[]): HostChange[] {
  const changes: HostChange[] = [];
  for (const { name, accepted, value } of ARP_SETTINGS) {
    for (const scope of ['all', ...interfaces]) {
      const path = sysctl(scope, name);
      const before = network.readSysctl(path);
      if (!(accepted as readonly string[]).includes(before)) {
        changes.push({ kind: 'sysctl', path, before, after: value });
      } else if (scope === 'all') break;
    }
  }
  return changes;
}

/** `rp_filter` in force on an interface: 0 off, 1 strict, 2 loose. */
export function reversePathFilter(network: HostView, interfaceName: string): number {
  const values = ['all', interfaceName].map((scope) =>
    Number(network.readSysctl(sysctl(scope, 'rp_filter'))),
  );
  return Math.max(...values);
}

/** A loose filter on the interface (2) overrides a strict `all`. */
function loosened(network: HostView, interfaceName: string): HostChange[] {
  if (reversePathFilter(network, interfaceName) !== 1) return [];
  const path = sysctl(interfaceName, 'rp_filter');
  return [{ kind: 'sysctl', path, before: network.readSysctl(path), after: '2' }];
}

/**
 * A strict reverse path filter drops what comes in where its sender is not reached. The dispatcher's own share is delivered
 * over `lo`, and with two cards what the dispatcher forwards comes in at the inner one, both with the clients' addresses as
 * senders; the way to them is through the outer one.
 */
function reversePathChanges(network: HostView, { inner, outside }: HostLinks): HostChange[] {
  return ['lo', ...(outside === undefined ? [] : [inner.name])].flatMap((name) => loosened(network, name));
}

/**
 * Broadcast dispatch: the kernel must leave alone what comes in frames to a group for an address of its own. TCP does so by itself;
 * UDP and ICMP would be answered by every member. Linux uses the setting of `all` or of the interface, whichever is set.
 */
function groupFrameChanges(
  network: HostView,
  { inner, outside = inner }: HostLinks,
  clusters: readonly HostCluster[],
): HostChange[] {
  const shared = clusters.filter(({ isShared = false }) => isShared);
  return (['ipv4', 'ipv6'] as const).flatMap((family) => {
    if (!shared.some(({ address }) => familyOf(address) === family)) return [];
    const path = (scope: string): string => `net/${family}/conf/${scope}/drop_unicast_in_l2_multicast`;
    if (network.readSysctl(path('all')) === '1') return [];
    const before = network.readSysctl(path(outside.name));
    return before === '1' ? [] : [{ kind: 'sysctl', path: path(outside.name), before, after: '1' } as const];
  });
}

const MTU_PROBING = 'net/ipv4/tcp_mtu_probing';

/**
 * Where answers take a way that depends on their port (L4/3), Linux notes what it is told of a narrow link for the way
 * without one, and IPv4 connections never learn it (`ip_rt_update_pmtu` looks up the route without ports). So TCP has to
 * find out by itself: after some lost segments it tries smaller ones.
 */
function probingChanges(network: HostView, clusters: readonly HostCluster[]): HostChange[] {
  if (!clusters.some(({ mode, address }) => mode === 'l4/3' && !isIPv6(address))) return [];
  const before = network.readSysctl(MTU_PROBING);
  return before === '0' ? [{ kind: 'sysctl', path: MTU_PROBING, before, after: '1' }] : [];
}

/** The interfaces of a node. */
export interface HostLinks {
  /** To the other nodes. */
  readonly inner: HostInterface;
  /** To the clients, if that is another one. */
  readonly outside: UsableLink | undefined;
}

/**
 * The changes that make this host ready for its clusters, in the order in which to make them: the ARP settings come before
 * the addresses, so that the host never answers for one. What is there already is not ours and is left out, and so it will
 * not be removed at the end.
 * @param tables routing tables that gateways have already
 */
export function wantedChanges(
  network: HostView,
  links: HostLinks,
  clusters: readonly HostCluster[],
  tables?: ReadonlyMap<string, number>,
): HostResult<HostChange[]> {
  const obstacle = clusters.map((cluster) => obstacleTo(network, links, cluster)).find(Boolean);
  if (obstacle !== undefined) return obstacle;
  const direct = clusters.filter(({ mode }) => mode === 'l4/2').map(({ address }) => address);
  const interfaces = [links.inner, links.outside].flatMap((link) => (link === undefined ? [] : [link.name]));
  const arp = direct.some((address) => !isIPv6(address)) ? arpChanges(network, interfaces) : [];
  const settings = [
    ...arp,
    ...groupFrameChanges(network, links, clusters),
    ...reversePathChanges(network, links),
    ...probingChanges(network, clusters),
  ];
  const changes = [...settings, ...addressChanges(network, direct)];
  const gateways = gatewayChanges(network, links.inner, clusters, tables);
  return gateways.ok ? { ok: true, value: [...changes, ...gateways.value] } : gateways;
}

function addressChanges(network: HostView, addresses: readonly string[]): HostChange[] {
  const present = new Set(network.addresses().map(({ address }) => address));
  return addresses
    .filter((address) => !present.has(address))
    .map((address) => ({ kind: 'address', interface: 'lo', address }));
}

function obstacleTo(network: HostView, { inner }: HostLinks, cluster: HostCluster) {
  const { address, gateway, mode } = cluster;
  for (const [what, each] of [
    ['cluster address', address],
    ['ghost gateway', gateway],
  ] as const) {
    const owners = network.addresses().filter((entry) => entry.address === each);
    const elsewhere = owners.find((owner) => owner.interface !== 'lo');
    if (elsewhere === undefined) continue;
    const name = elsewhere.interface;
    const cure = `remove it there (ip address del ${each} dev ${name}), or configure another ${what}`;
    return hostProblem('address-elsewhere', `${what} ${each} is on ${name} of this host; ${cure}`);
  }
  return isIPv6(address) ? ipv6Obstacle(network, mode === 'l4/2' ? 'lo' : inner.name, address) : undefined;
}

/** Why an interface cannot do IPv6; undefined when it can. */
export function ipv6Obstacle(network: HostView, interfaceName: string, address: string) {
  const path = `net/ipv6/conf/${interfaceName}/disable_ipv6`;
  try {
    if (network.readSysctl(path) === '0') return undefined;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    const cure = 'boot it with IPv6, or configure IPv4 addresses only';
    return hostProblem('ipv6-disabled', `the kernel does no IPv6, as ${address} wants it; ${cure}`);
  }
  const cure = `run: sysctl -w net.ipv6.conf.${interfaceName}.disable_ipv6=0`;
  return hostProblem(
    'ipv6-disabled',
    `IPv6 is disabled on ${interfaceName}, and ${address} needs it; ${cure}`,
  );
}
