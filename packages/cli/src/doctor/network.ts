/** Checks of the interface and of the cluster addresses. They read the host's network and change nothing. */
import {
  findInterface,
  findLink,
  hostClusters,
  reversePathFilter,
  type HostNetwork,
  type HostProblem,
  type NodeConfig,
  type UsableLink,
} from '@ringmaster/node';
import { isIPv4 } from 'node:net';
import { conflicts, ipv6, owners } from './addresses.js';
import type { NetworkContext } from './context.js';
import { error, fine, warning, type Finding } from './finding.js';
import { lanFindings } from './lan.js';
import { routing } from './routing.js';

function loopback(network: HostNetwork): Finding {
  if (network.links().some(({ name, up }) => name === 'lo' && up)) return fine('loopback', 'lo is up');
  const why = "the cluster address is put on lo, and the dispatcher's own share goes over it";
  return error('loopback', 'lo is down', why, 'run: ip link set lo up', { kind: 'link-up', interface: 'lo' });
}

/** With two cards the node itself loosens the inner one. */
function reversePath({ network, config, running, mayWriteSysctl }: NetworkContext): Finding {
  const { interface: name, outside } = config;
  const check = 'rp-filter';
  if (reversePathFilter(network, name) !== 1) {
    return fine(check, `the reverse path filter of ${name} is not strict`);
  }
  const set = `sysctl -w net.ipv4.conf.${name}.rp_filter=2`;
  const remedy = { kind: 'sysctl', path: `net/ipv4/conf/${name}/rp_filter`, value: '2' } as const;
  const now = `the reverse path filter of ${name} is strict`;
  if (outside === undefined) {
    const why = `packets of clients are dropped unless the way back to each client leads through ${name}`;
    return warning(check, now, why, `where it does not, run: ${set}`, remedy);
  }
  if (!running && mayWriteSysctl(`net/ipv4/conf/${name}/rp_filter`)) {
    return fine(check, `${now}; the node makes it loose while it runs`);
  }
  const why = `what clients sent to ${outside.interface} comes in at ${name}, and is dropped there`;
  return error(check, now, why, `run: ${set}`, remedy);
}

/** With two cards: what fits the one should fit the other. */
function twoCards(config: NodeConfig, inner: UsableLink, outside: UsableLink): Finding[] {
  const there = fine('outside', `${outside.name} is up, with an MTU of ${outside.mtuBytes}`);
  const [least, most] = [inner, outside].sort((one, other) => one.mtuBytes - other.mtuBytes);
  if (least.mtuBytes === most.mtuBytes) return [there];
  const what = `${least.name} has an MTU of ${least.mtuBytes}, ${most.name} one of ${most.mtuBytes}`;
  if (least === outside || config.clusters.every(({ mode }) => mode === 'l4/3')) {
    return [there, fine('mtu', `${what}; who sends too much is told so`)];
  }
  const why = 'in l4/2 packets of clients that fit the outer network and not the inner one are lost';
  return [
    there,
    warning('mtu', what, why, `run: ip link set ${outside.name} mtu ${inner.mtuBytes}, or more inside`),
  ];
}

/** Values with which a host does not answer for addresses on `lo`, or announce them. */
const GOOD_ARP = { arp_ignore: ['1', '2'], arp_announce: ['2'] } as const;

const ARP_NAMES = ['arp_ignore', 'arp_announce'] as const;
const ARP_CHECKS = { arp_ignore: 'arp-ignore', arp_announce: 'arp-announce' } as const;

function arpSettings({ network, running, mayWriteSysctl }: NetworkContext): Finding[] {
  return ARP_NAMES.map((name) => {
    const good: readonly string[] = GOOD_ARP[name];
    // The greater one of `all` and the interface's is in force: where `all` is good, so are the interfaces.
    const bad = `net/ipv4/conf/all/${name}`;
    const check = ARP_CHECKS[name];
    if (good.includes(network.readSysctl(bad))) return fine(check, `${name} keeps the cluster address quiet`);
    const now = `${bad} is ${network.readSysctl(bad)}`;
    const setting = `${bad.replaceAll('/', '.')}=${good[0]}`;
    if (running) {
      const why =
        'the node has set it, and somebody has set it back: hosts now quarrel about the cluster address';
      const remedy = { kind: 'sysctl', path: bad, value: good[0] } as const;
      return error(check, now, why, `find out who changes it, then run: sysctl -w ${setting}`, remedy);
    }
    if (mayWriteSysctl(bad)) return fine(check, `${now}; the node sets it to ${good[0]} while it runs`);
    const why = 'without it this host would answer ARP for the cluster address, and it may not change it';
    return error(
      check,
      now,
      why,
      `set it from outside (for a container: --sysctl ${setting}), or run as root`,
    );
  });
}

function linkFinding(context: NetworkContext, found: HostProblem, key: string): Finding {
  const [what, ...cure] = found.message.split('; ');
  const why = 'through it the node talks to the others and to the clients';
  const elsewhere = found.code === 'no-such-interface' ? `; set ${key} in ${context.config.file}` : '';
  return error('interface', what, why, `${cure.join('; ')}${elsewhere}`);
}

/** Interfaces, ARP settings, cluster addresses and ghost gateways. */
export async function networkFindings(context: NetworkContext): Promise<Finding[]> {
  const { network, config } = context;
  const clusters = hostClusters(config);
  const shared = clusters.flatMap(({ address, gateway }) => [address, gateway ?? address]);
  const link = findInterface(network, config.interface, config, shared);
  if (!link.ok) return [loopback(network), linkFinding(context, link.problem, 'interface')];
  const outside = config.outside && findLink(network, config.outside.interface);
  if (outside?.ok === false)
    return [loopback(network), linkFinding(context, outside.problem, 'outside.interface')];
  const links = { inner: link.value, outside: outside?.value };
  const { name, address, mtuBytes } = links.inner;
  const needsArp = clusters.some((cluster) => cluster.mode === 'l4/2' && isIPv4(cluster.address));
  return [
    loopback(network),
    fine('interface', `${name} is up, with ${address} and an MTU of ${mtuBytes}`),
    ...(links.outside ? twoCards(config, links.inner, links.outside) : []),
    reversePath(context),
    ...(needsArp ? arpSettings(context) : []),
    ...ipv6(context, links.inner, clusters),
    ...owners(context, clusters),
    ...routing(context, links.inner, clusters),
    ...(await conflicts(context, links, clusters)),
    ...(context.lan ? await lanFindings({ network, config, ...context.lan }, links, clusters) : []),
  ];
}
