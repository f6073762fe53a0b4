/**
 * L4/3: the answers of this host's services go through the ghost gateway, which is wherever the dispatcher is; nothing else
 * of this host does. Its default route stays as it is: a rule for what it sends itself from the service's port leads to a
 * table of its own, with a default route to the gateway, whose MAC is fixed.
 */
import { virtualMacOf } from '@ringmaster/dispatch';
import { formatMac, parseIp } from 'libnetraw/wire';
import { isIPv6 } from 'node:net';
import { hasNeighbour, ruleOf, textOf } from './changes.js';
import { familyOf, type HostCluster } from './hostCluster.js';
import type { HostInterface } from './hostInterface.js';
import type { HostChange } from './journal.js';
import type { HostView } from './network.js';
import { hostProblem, type HostFailure, type HostResult } from './problem.js';
import { FIRST_TABLE } from './tables.js';

type Family = ReturnType<typeof familyOf>;
type RouteChange = Extract<HostChange, { readonly kind: 'route' }>;

/** Gateways of one IP version, each with the clusters that share it. */
function gatewaysOf(clusters: readonly HostCluster[], family: Family): Map<string, HostCluster[]> {
  const gateways = new Map<string, HostCluster[]>();
  for (const cluster of clusters) {
    const { gateway } = cluster;
    if (gateway === undefined || familyOf(gateway) !== family) continue;
    gateways.set(gateway, [...(gateways.get(gateway) ?? []), cluster]);
  }
  return gateways;
}

/** The first bits of two addresses of one version, as text of zeros and ones. */
function bits(address: string): string {
  const parsed = parseIp(address);
  const bytes =
    typeof parsed === 'number' ? [parsed >>> 24, parsed >>> 16, parsed >>> 8, parsed] : [...(parsed ?? [])];
  return bytes.map((byte) => (byte & 0xff).toString(2).padStart(8, '0')).join('');
}

/** Whether hosts of the interface's network would ask for the address there. */
export function isOnLink(network: HostView, interfaceName: string, address: string): boolean {
  if (isIPv6(address) && /^fe[89ab]/.test(address)) return true;
  return network.addresses().some((entry) => {
    if (entry.interface !== interfaceName || familyOf(entry.address) !== familyOf(address)) return false;
    return bits(entry.address).slice(0, entry.prefixLength) === bits(address).slice(0, entry.prefixLength);
  });
}

/** The first table that none of these are in. */
function freeTable(taken: ReadonlySet<number>): number {
  let table = FIRST_TABLE;
  while (taken.has(table)) table++;
  return table;
}

/**
 * The changes for all ghost gateways, or why one cannot be.
 * @param tables those that gateways have already; the others get the first free ones
 */
export function gatewayChanges(
  network: HostView,
  inner: HostInterface,
  clusters: readonly HostCluster[],
  tables: ReadonlyMap<string, number> = new Map(),
): HostResult<HostChange[]> {
  const changes: HostChange[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const ofFamily = [...tables].filter(([gateway]) => familyOf(gateway) === family);
    const taken = new Set(ofFamily.map(([, table]) => table));
    for (const [gateway, sharing] of gatewaysOf(clusters, family)) {
      if (!isOnLink(network, inner.name, gateway)) {
        const cure = `choose a free address of the network of ${inner.name}`;
        const why = `the ghost gateway ${gateway} is not in the network of ${inner.name}`;
        return hostProblem('gateway-elsewhere', `${why}; ${cure}`);
      }
      const table = tables.get(gateway) ?? freeTable(taken);
      taken.add(table);
      const found = oneGateway(network, { inner, family, gateway, sharing, table });
      if (!found.ok) return found;
      changes.push(...found.value);
    }
  }
  return { ok: true, value: changes };
}

interface Gateway {
  readonly inner: HostInterface;
  readonly family: Family;
  readonly gateway: string;
  readonly sharing: readonly HostCluster[];
  readonly table: number;
}

function oneGateway(network: HostView, options: Gateway): HostResult<HostChange[]> {
  const { inner, family, gateway, sharing, table } = options;
  const targets = sharing.flatMap((cluster) => cluster.targets);
  if (targets.length === 0) return { ok: true, value: [] };
  const own = family === 'ipv4' ? inner.address : inner.address6;
  if (own === undefined) {
    const cure = `give it one, like: ip address add 2001:db8::11/64 dev ${inner.name}`;
    const what = `interface ${inner.name} has no global IPv6 address, and l4/3 at ${sharing[0].address} needs one`;
    return hostProblem('no-address', `${what}; ${cure}`);
  }
  const route: RouteChange = { kind: 'route', table, gateway, interface: inner.name, source: own };
  const routes = routeChanges(network, route, family);
  if (!routes.ok) return routes;
  const neighbour = neighbourChanges(network, inner.name, gateway);
  if (!neighbour.ok) return neighbour;
  const present = network.rules(family).map((rule) => textOf(rule));
  const rules = targets
    .flatMap(({ protocol, port }): Extract<HostChange, { kind: 'rule' }>[] => {
      const rule = { kind: 'rule', family, table, protocol, sourcePort: port } as const;
      const ofOwn = { ...rule, from: own };
      if (protocol === 'tcp') return [ofOwn];
      // A UDP socket that is bound to no address has none yet when its route is looked up: the route's `source` gives it.
      // The other rule is for the reverse path of what comes in, which IPv6 does not look at.
      return family === 'ipv4' ? [rule, ofOwn] : [rule];
    })
    .filter((rule) => !present.includes(textOf(ruleOf(rule))));
  return { ok: true, value: [...neighbour.value, ...routes.value, ...rules] };
}

function routeChanges(
  network: HostView,
  route: RouteChange,
  family: Family,
): HostResult<readonly HostChange[]> {
  const { table, gateway } = route;
  const there = network.routes(family, table);
  if (there.length === 0) return { ok: true, value: [route] };
  const isOurs = there.every(
    (each) => each.prefixLength === 0 && each.gateway === gateway && each.interface === route.interface,
  );
  if (isOurs) return { ok: true, value: [] };
  return tableInUse(table, family);
}

function tableInUse(table: number, family: Family): HostFailure {
  const ip = family === 'ipv4' ? 'ip' : 'ip -6';
  const cure = `look at \`${ip} route show table ${table}\`; if nobody needs it: ${ip} route flush table ${table}`;
  return hostProblem(
    'table-in-use',
    `routing table ${table} has other routes than that to the ghost gateway; ${cure}`,
  );
}

function neighbourChanges(
  network: HostView,
  interfaceName: string,
  gateway: string,
): HostResult<readonly HostChange[]> {
  const parsed = parseIp(gateway);
  const mac = formatMac(virtualMacOf(parsed ?? 0));
  const change: HostChange = { kind: 'neighbour', interface: interfaceName, address: gateway, mac };
  if (hasNeighbour(network, change)) return { ok: true, value: [] };
  const other = network
    .neighbours()
    .find(
      (each) =>
        each.interface === interfaceName &&
        each.address === gateway &&
        each.state === 'permanent' &&
        each.mac,
    );
  if (other?.mac === undefined) return { ok: true, value: [change] };
  const cure = `run: ip neighbour del ${gateway} dev ${interfaceName}`;
  const what = `somebody has fixed the MAC of the ghost gateway ${gateway} as ${formatMac(other.mac)}`;
  return hostProblem('address-conflict', `${what}; ${cure}`);
}
