/** Checks of the cluster addresses and ghost gateways: where they are, and that nobody else has them. */
import {
  errorCode,
  ipv6Obstacle,
  type HostCluster,
  type HostInterface,
  type UsableLink,
} from '@ringmaster/node';
import { isIPv6 } from 'node:net';
import { error, fine, problem, warning, type Finding } from './finding.js';
import type { NetworkContext } from './context.js';

/** Where this host has the cluster addresses and ghost gateways, if it has them. */
export function owners(context: NetworkContext, clusters: readonly HostCluster[]): Finding[] {
  const gateways = [...new Set(clusters.flatMap(({ gateway }) => gateway ?? []))];
  return [
    ...clusters.map((cluster) => clusterAddress(context, cluster)),
    ...gateways.map((gateway) => ghostGateway(context, gateway)),
  ];
}

function clusterAddress({ network, running }: NetworkContext, { address, mode }: HostCluster): Finding {
  const check = 'cluster-address';
  const there = network.addresses().filter((entry) => entry.address === address);
  const elsewhere = there.find((entry) => entry.interface !== 'lo');
  if (elsewhere !== undefined) {
    const name = elsewhere.interface;
    const why = 'this host would answer for it by itself, past the dispatcher';
    return error(check, `${address} is on ${name}`, why, `run: ip address del ${address} dev ${name}`);
  }
  const cure = `ip address del ${address} dev lo`;
  if (mode === 'l4/3') {
    if (there.length === 0) return fine(check, `${address} is on no host; the dispatcher answers for it`);
    const why = 'in l4/3 no host has it; calls of this host to it never leave the host';
    return warning(check, `${address} is on lo`, why, `run: ${cure}`);
  }
  if (there.length > 0 && !running) {
    const why = 'somebody put it there; the node will leave it there when it stops';
    return warning(check, `${address} is on lo already`, why, `unless that is meant: ${cure}`);
  }
  if (there.length > 0) return fine(check, `${address} is on lo`);
  if (!running) return fine(check, `${address} is not on this host; the node will put it on lo`);
  const why = 'the node has put it there, and somebody has taken it away: clients of this node get no answer';
  return error(
    check,
    `${address} is not on lo`,
    why,
    'find out who changes it; the node puts it back in a second',
  );
}

function ghostGateway({ network }: NetworkContext, gateway: string): Finding {
  const check = 'ghost-gateway-address';
  const owner = network.addresses().find((entry) => entry.address === gateway);
  if (owner === undefined) return fine(check, `the ghost gateway ${gateway} is not on this host`);
  const why = 'it belongs to no host: answers would end here';
  const cure = `run: ip address del ${gateway} dev ${owner.interface}`;
  return error(check, `the ghost gateway ${gateway} is on ${owner.interface}`, why, cure);
}

/** Whether another host says that it has one of the addresses. */
export async function conflicts(
  context: NetworkContext,
  { inner, outside }: { readonly inner: HostInterface; readonly outside: UsableLink | undefined },
  clusters: readonly HostCluster[],
): Promise<Finding[]> {
  const gateways = [...new Set(clusters.flatMap(({ gateway }) => gateway ?? []))];
  const addresses = clusters.map(({ address }) => address);
  const findings = [conflict(context, outside ?? inner, addresses, 'cluster address')];
  if (gateways.length > 0) findings.push(conflict(context, inner, gateways, 'ghost gateway'));
  return Promise.all(findings);
}

async function conflict(
  context: NetworkContext,
  link: UsableLink,
  addresses: readonly string[],
  what: 'cluster address' | 'ghost gateway',
): Promise<Finding> {
  const check = 'address-conflict';
  try {
    const found = await context.probe(link, addresses);
    if (found === undefined) return fine(check, `no other host on ${link.name} owns ${addresses.join(', ')}`);
    const whom = what === 'cluster address' ? 'clients' : 'answers of the servers';
    const remedy = `take the address away from that host, or choose another ${what}`;
    const why = `${whom} would reach that host instead of the ${what === 'cluster address' ? 'cluster' : 'dispatcher'}`;
    return error(check, `${found.address} belongs to ${found.mac}`, why, remedy);
  } catch (refusal) {
    const reason = errorCode(refusal) ?? String(refusal);
    const said = `other owners of the address were not looked for (${reason})`;
    return warning(check, said, 'it needs CAP_NET_RAW', 'run doctor as root');
  }
}

/** Whether this host can do the IPv6 that the clusters want. */
export function ipv6(
  { network }: NetworkContext,
  inner: HostInterface,
  clusters: readonly HostCluster[],
): Finding[] {
  const wanting = clusters.filter(({ address }) => isIPv6(address));
  if (wanting.length === 0) return [];
  const check = 'ipv6';
  for (const { address, mode } of wanting) {
    const name = mode === 'l4/2' ? 'lo' : inner.name;
    const obstacle = ipv6Obstacle(network, name, address);
    const remedy = { kind: 'sysctl', path: `net/ipv6/conf/${name}/disable_ipv6`, value: '0' } as const;
    if (obstacle !== undefined) return [problem(check, obstacle.problem, 'the node does not start', remedy)];
  }
  const duplicates = network
    .addresses()
    .filter((entry) => entry.interface === inner.name && entry.state === 'duplicate');
  if (duplicates.length === 0) return [fine(check, 'IPv6 is switched on where it is needed')];
  return duplicates.map(({ address, prefixLength }) => {
    const why = 'the kernel found another host with the same address, and does not use it';
    const again = `ip -6 address del ${address}/${prefixLength} dev ${inner.name}, and add it again`;
    const cure = `take it away from that host, then run: ${again}`;
    return error(check, `duplicate address detection has failed for ${address} of ${inner.name}`, why, cure);
  });
}
