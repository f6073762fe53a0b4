/** Checks of the interface and of the cluster addresses. They read the host's network and change nothing. */
import {
  errorCode,
  findInterface,
  reversePathFilter,
  type AddressConflict,
  type HostInterface,
  type HostNetwork,
  type NodeConfig,
  type UsableLink,
} from '@ringmaster/node';
import { error, fine, warning, type Finding } from './finding.js';

/** What the checks need; tests bring their own. */
export interface NetworkContext {
  readonly network: HostNetwork;
  readonly config: NodeConfig;
  /** Whether the node of this configuration runs at the moment. */
  readonly running: boolean;
  /** Whether a kernel setting may be changed by this process. */
  readonly mayWriteSysctl: (path: string) => boolean;
  /** Asks the LAN for other owners of the addresses. */
  readonly probe: (link: UsableLink, addresses: readonly string[]) => Promise<AddressConflict | undefined>;
}

const clusterAddresses = (config: NodeConfig): string[] => config.clusters.map(({ address }) => address);

function loopback(network: HostNetwork): Finding {
  if (network.links().some(({ name, up }) => name === 'lo' && up)) return fine('loopback', 'lo is up');
  const why = "the cluster address is put on lo, and the dispatcher's own share goes over it";
  return error('loopback', 'lo is down', why, 'run: ip link set lo up');
}

function reversePath({ network, config }: NetworkContext): Finding {
  if (reversePathFilter(network, config.interface) !== 1) {
    return fine('rp-filter', `the reverse path filter of ${config.interface} is not strict`);
  }
  const why = `packets of clients are dropped unless the way back to each client leads through ${config.interface}`;
  const cure = `where it does not, run: sysctl -w net.ipv4.conf.${config.interface}.rp_filter=2`;
  return warning('rp-filter', `the reverse path filter of ${config.interface} is strict`, why, cure);
}

/** Values with which a host does not answer for addresses on `lo`, or announce them. */
const GOOD_ARP = { arp_ignore: ['1', '2'], arp_announce: ['2'] } as const;

function arpSettings({ network, config, running, mayWriteSysctl }: NetworkContext): Finding[] {
  return Object.entries(GOOD_ARP).map(([name, good]) => {
    const paths = ['all', config.interface].map((scope) => `net/ipv4/conf/${scope}/${name}`);
    const bad = paths.find((path) => !(good as readonly string[]).includes(network.readSysctl(path)));
    const check = name.replace('_', '-');
    if (bad === undefined) return fine(check, `${name} keeps the cluster address quiet`);
    const now = `${bad} is ${network.readSysctl(bad)}`;
    const setting = `${bad.replaceAll('/', '.')}=${good[0]}`;
    if (running) {
      const why =
        'the node has set it, and somebody has set it back: hosts now quarrel about the cluster address';
      return error(check, now, why, `find out who changes it, then run: sysctl -w ${setting}`);
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

function owners({ network, config, running }: NetworkContext): Finding[] {
  return clusterAddresses(config).map((address) => {
    const check = 'cluster-address';
    const there = network.addresses().filter((entry) => entry.address === address);
    const elsewhere = there.find((entry) => entry.interface !== 'lo');
    if (elsewhere !== undefined) {
      const name = elsewhere.interface;
      const why = 'this host would answer for it by itself, past the dispatcher';
      return error(check, `${address} is on ${name}`, why, `run: ip address del ${address} dev ${name}`);
    }
    if (there.length > 0 && !running) {
      const why = 'somebody put it there; the node will leave it there when it stops';
      return warning(
        check,
        `${address} is on lo already`,
        why,
        `unless that is meant: ip address del ${address} dev lo`,
      );
    }
    return fine(
      check,
      running ? `${address} is on lo` : `${address} is not on this host; the node will put it on lo`,
    );
  });
}

async function conflict(context: NetworkContext, link: HostInterface): Promise<Finding> {
  const addresses = clusterAddresses(context.config);
  const check = 'address-conflict';
  const cure = 'run doctor as root';
  try {
    const found = await context.probe(link, addresses);
    if (found === undefined) return fine(check, `no other host on ${link.name} owns ${addresses.join(', ')}`);
    const why = 'clients would reach that host instead of the cluster';
    const remedy = 'take the address away from that host, or choose another cluster address';
    return error(check, `${found.address} belongs to ${found.mac}`, why, remedy);
  } catch (refusal) {
    const reason = errorCode(refusal) ?? String(refusal);
    return warning(
      check,
      `other owners of the address were not looked for (${reason})`,
      'it needs CAP_NET_RAW',
      cure,
    );
  }
}

/** Interface, ARP settings, cluster addresses. */
export async function networkFindings(context: NetworkContext): Promise<Finding[]> {
  const { network, config } = context;
  const link = findInterface(network, config.interface, config, clusterAddresses(config));
  if (!link.ok) {
    const [what, ...cure] = link.problem.message.split('; ');
    const why = 'through it the node talks to the others and to the clients';
    const elsewhere = link.problem.code === 'no-such-interface' ? `; set interface in ${config.file}` : '';
    return [loopback(network), error('interface', what, why, `${cure.join('; ')}${elsewhere}`)];
  }
  const { name, address, mtuBytes } = link.value;
  return [
    loopback(network),
    fine('interface', `${name} is up, with ${address} and an MTU of ${mtuBytes}`),
    reversePath(context),
    ...arpSettings(context),
    ...owners(context),
    await conflict(context, link.value),
  ];
}
