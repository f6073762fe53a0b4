/** Checks of the LAN: what else is on it, and what it lets through. They send a few ARP probes and pings, and listen. */
import {
  errorCode,
  type HostCluster,
  type HostInterface,
  type HostNetwork,
  type NodeConfig,
  type Sightings,
  type StatusDocument,
  type TrialResult,
  type UsableLink,
} from '@ringmaster/node';
import { isIPv4 } from 'node:net';
import { error, fine, warning, type Finding } from './finding.js';

/** Who is asked, and how many are enough. */
const MOST_PEERS = 8;
/** The main routing table (rt_tables). */
const MAIN_TABLE = 254;

/** What is done on the real LAN; tests bring their own. */
export interface LanTools {
  readonly watch: (link: UsableLink, options: { ringPort: number; forMs: number }) => Promise<Sightings>;
  readonly tryForeignMac: (link: UsableLink, peers: readonly string[]) => Promise<TrialResult>;
  readonly tryFullSize: (
    link: HostInterface,
    peer: { readonly address: string; readonly mac: Uint8Array },
  ) => Promise<TrialResult>;
  readonly countDispatchers: (link: UsableLink, address: string) => Promise<number>;
}

export interface LanContext {
  readonly network: HostNetwork;
  readonly config: NodeConfig;
  readonly tools: LanTools;
  /** How long to listen. */
  readonly listenMs: number;
  /** What the running node says of itself; undefined when none runs. */
  readonly status: StatusDocument | undefined;
  /** First bytes of the hashes of the configured keys; empty: no key. */
  readonly keyIds: readonly number[];
}

interface LanLinks {
  readonly inner: HostInterface;
  readonly outside: UsableLink | undefined;
}

/** All of them. */
export async function lanFindings(
  context: LanContext,
  links: LanLinks,
  clusters: readonly HostCluster[],
): Promise<Finding[]> {
  try {
    const clientSide = links.outside ?? links.inner;
    const options = { ringPort: context.config.ring.port, forMs: context.listenMs };
    const watched = [links.inner, ...(links.outside ? [links.outside] : [])];
    const [inner, outside = inner] = await Promise.all(
      watched.map((link) => context.tools.watch(link, options)),
    );
    const peers = peersOn(context, clientSide, outside, clusters);
    return [
      fine('lan', `listened on ${watched.map(({ name }) => name).join(' and ')} for ${context.listenMs} ms`),
      await virtualMac(context, clientSide, peers),
      ...(await frameSize(context, links.inner)),
      ...redundancy(outside, clusters),
      ...(await otherClusters(context, clientSide, outside, clusters)),
      ringKey(context, inner),
    ];
  } catch (refusal) {
    const said = `the LAN was not listened to (${errorCode(refusal) ?? String(refusal)})`;
    return [warning('lan', said, 'it needs CAP_NET_RAW', 'run doctor as root')];
  }
}

/** IPv4 addresses of hosts on the link that may answer: heard just now, known to the kernel, and the router. */
function peersOn(
  { network, config }: LanContext,
  link: UsableLink,
  heard: Sightings,
  clusters: readonly HostCluster[],
): string[] {
  const known = network.neighbours().filter(({ interface: name, mac }) => name === link.name && mac);
  const routers = network.routes('ipv4', MAIN_TABLE).filter((route) => route.interface === link.name);
  const own = network.addresses().map(({ address }) => address);
  const shared = clusters.flatMap(({ address, gateway }) => [address, gateway]);
  const members = config.interface === link.name ? heard.speakers.map(({ from }) => from) : [];
  const all = [...known.map(({ address }) => address), ...routers.flatMap(({ gateway }) => gateway ?? [])];
  return [...new Set([...members, ...all, ...heard.hosts])]
    .filter((address) => isIPv4(address) && !own.includes(address) && !shared.includes(address))
    .slice(0, MOST_PEERS);
}

/** What kinds of interface keep frames of MACs that are not theirs from coming in, and the way out. */
const NARROW_KINDS: Readonly<Record<string, string>> = {
  macvlan: 'give the node the host network, a veth on a bridge, or a macvlan of mode passthru',
  macvtap: 'use a tap on a bridge, or mode passthru',
  ipvlan: 'give the node the host network, or a veth on a bridge',
  ipvtap: 'use a tap on a bridge',
};

const PORT_CURE =
  'let the port pass it (VMware: promiscuous mode and forged transmits; Hyper-V: MAC spoofing; OpenStack: port security off; switches: no port security, no 802.1X lock); where that cannot be, as in most clouds, the cluster does not work';

async function virtualMac(
  { tools, network }: LanContext,
  link: UsableLink,
  peers: readonly string[],
): Promise<Finding> {
  const check = 'virtual-mac';
  const kind = network.links().find(({ name }) => name === link.name)?.kind ?? '';
  const result = await tools.tryForeignMac(link, peers);
  if (result === 'passes') return fine(check, `frames of other MACs than its own pass at ${link.name}`);
  const why = "clients reach the cluster by a virtual MAC that is no card's own";
  if (result === 'blocked') {
    const what = `frames of other MACs than its own do not pass at ${link.name}`;
    return error(check, what, why, NARROW_KINDS[kind] ?? PORT_CURE);
  }
  const untried = `it was not tried whether virtual MACs pass at ${link.name}: no other host answered`;
  const narrow = NARROW_KINDS[kind];
  if (narrow === undefined) return warning(check, untried, why, 'run doctor again when another host is up');
  return warning(check, `${link.name} is of kind ${kind}, which hardly passes them`, why, narrow);
}

/** Whether full packets reach a neighbour on the inner interface, over which the dispatcher passes them on. */
async function frameSize({ tools, network }: LanContext, link: HostInterface): Promise<Finding[]> {
  const peers = network
    .neighbours()
    .flatMap(({ interface: name, address, mac }) =>
      name === link.name && isIPv4(address) && mac ? [{ address, mac }] : [],
    )
    .slice(0, MOST_PEERS);
  const results = await Promise.all(peers.map((peer) => tools.tryFullSize(link, peer)));
  const narrow = peers.filter((_, i) => results[i] === 'blocked').map(({ address }) => address);
  if (narrow.length > 0) {
    const what = `packets of ${link.mtuBytes} bytes do not reach ${narrow.join(', ')}, small ones do`;
    const why = 'in a LAN all hosts have one MTU; what the dispatcher passes on would get lost on the way';
    const cure = `compare \`ip link\` on both hosts and the switch, then set one MTU: ip link set ${link.name} mtu ...`;
    return [error('frame-size', what, why, cure)];
  }
  const good = peers.filter((_, i) => results[i] === 'passes').map(({ address }) => address);
  if (good.length === 0) return [];
  return [fine('frame-size', `packets of ${link.mtuBytes} bytes reach ${good.join(', ')}`)];
}

function redundancy({ advertisers }: Sightings, clusters: readonly HostCluster[]): Finding[] {
  const check = 'vrrp';
  if (advertisers.length === 0) return [fine(check, 'no VRRP or CARP was heard')];
  const shared = clusters.flatMap(({ address, gateway }) => [address, ...(gateway ? [gateway] : [])]);
  return advertisers.map(({ protocol, group, from, addresses }) => {
    const who = `${from} is master of ${protocol.toUpperCase()} group ${group}`;
    const taken = addresses.filter((address) => shared.includes(address));
    if (taken.length > 0) {
      const why = 'both would answer for it, and clients reach now one, now the other';
      return error(
        check,
        `${who} and holds ${taken.join(', ')}`,
        why,
        'take the address out of that group (keepalived: virtual_ipaddress), or configure another one here',
      );
    }
    if (protocol === 'vrrp') return fine(check, `${who} for other addresses: that is not in the way`);
    const why = "CARP does not say for which addresses; if one is the cluster's, address-conflict says so";
    return warning(check, who, why, `make sure that ${shared.join(', ')} is not among them`);
  });
}

async function otherClusters(
  { tools, status, config }: LanContext,
  link: UsableLink,
  { claims }: Sightings,
  clusters: readonly HostCluster[],
): Promise<Finding[]> {
  const check = 'other-cluster';
  const findings: Finding[] = [];
  for (const { address } of clusters.filter((cluster) => isIPv4(cluster.address))) {
    const others = await tools.countDispatchers(link, address);
    const allowed = status?.role === 'dispatcher' || status?.role === 'standalone' ? 0 : 1;
    if (others <= allowed) continue;
    const what =
      allowed === 0
        ? `another dispatcher answers for ${address} beside this node`
        : `${others} dispatchers answer for ${address}`;
    const why = 'two clusters, or two halves of one that do not hear each other, have the same address';
    const cure = `compare ring.port, key and clusters on all nodes; UDP ${config.ring.port} must pass between them`;
    findings.push(error(check, what, why, cure));
  }
  const own = new Map(
    clusters
      .flatMap(({ address, gateway }) => [address, gateway ?? address])
      .filter((address) => isIPv4(address))
      .map(macPair),
  );
  for (const { mac, address } of claims) {
    const owner = own.get(mac);
    if (owner === undefined || owner === address) continue;
    const why = 'virtual MACs are made of the last three bytes of the address: frames of both clusters meet';
    const cure = `give one of the clusters an address that does not end like ${address}`;
    findings.push(error(check, `another cluster at ${address} has the virtual MAC of ${owner}`, why, cure));
  }
  if (findings.length > 0) return findings;
  return [fine(check, 'no other cluster has the address or its virtual MAC')];
}

/** An IPv4 address by its virtual MAC, which is 02:52:4d and its last three bytes. */
function macPair(address: string): [mac: string, address: string] {
  const bytes = address.split('.').slice(1).map(Number);
  const hex = [0x02, 0x52, 0x4d, ...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  return [hex.join(':'), address];
}

function ringKey({ config, keyIds, status }: LanContext, { speakers }: Sightings): Finding {
  const check = 'ring-key';
  const where = config.ring.transport === 'udp' ? `port ${config.ring.port}` : 'the ring over Ethernet';
  const strange = speakers.filter(({ keyId }) =>
    keyId === undefined ? keyIds.length > 0 : !keyIds.includes(keyId),
  );
  if (strange.length > 0) {
    const who = [...new Set(strange.map(({ from }) => from))].join(', ');
    const plain = strange.every(({ keyId }) => keyId === undefined);
    const what = `${who} speaks on ${where} ${plain ? 'without a key' : 'with another key'}`;
    const why = 'they do not become one ring with this node';
    const cure =
      'if they shall, give all nodes the same key file; if it is another cluster, that is not in the way';
    return warning(check, what, why, cure);
  }
  const members = status?.ring.members.filter(({ active }) => active).map(({ address }) => address) ?? [];
  const apart = speakers.map(({ from }) => from).filter((from) => !members.includes(from));
  if (status !== undefined && isIPv4(apart[0] ?? '')) {
    const what = `${apart.join(', ')} speaks on ${where} with the same key, and is not in this node's ring`;
    const why = 'the two do not hear each other in full: a ring needs unicast both ways';
    const cure = `open UDP ${config.ring.port} and TCP ${config.ring.port} between the hosts`;
    return warning(check, what, why, cure);
  }
  if (speakers.length === 0) return fine(check, `nobody else speaks on ${where}`);
  const who = [...new Set(speakers.map(({ from }) => from))].join(', ');
  return fine(check, `${who} speak on ${where} with the same key`);
}
