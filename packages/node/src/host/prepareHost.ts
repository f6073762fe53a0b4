/**
 * Takes a host into a cluster and back out of it, failing safe: every change is in the undo journal before it is made,
 * is undone at exit, and after a crash by the next start.
 */
import type { AddressConflict } from './addressConflict.js';
import { hostDifference } from './changeHost.js';
import type { RestoreReport } from './changes.js';
import type { HostCluster } from './hostCluster.js';
import {
  findInterface,
  findLink,
  type HostInterface,
  type UsableLink,
  type WantedAddresses,
} from './hostInterface.js';
import { inspectLeftover, leftoverProblem, recoverLeftover } from './leftover.js';
import { MadeChanges } from './madeChanges.js';
import type { HostNetwork } from './network.js';
import { probeLan } from './lanProbe.js';
import { hostProblem, systemProblem, type HostFailure, type HostResult } from './problem.js';
import { wantedChanges, type HostLinks } from './wanted.js';

export interface PrepareHostOptions extends WantedAddresses {
  readonly network: HostNetwork;
  /** Name of the interface to the ring, and which of its addresses are the node's own (default: the first ones). */
  readonly interface: string;
  /** Name of the interface to the clients, if that is another one. */
  readonly outside?: string;
  readonly clusters: readonly HostCluster[];
  /** Where the undo journal is: `journalPath(control.socket)`. */
  readonly journal: string;
  /** Asks a LAN whether somebody else owns an address. Default: ARP and neighbour probes, about a quarter of a second. */
  readonly probe?: Probe;
}

export type Probe = (link: UsableLink, addresses: readonly string[]) => Promise<AddressConflict | undefined>;

/** A host that is ready for the clusters before a change and for those after it. */
export interface HostTransition {
  /** Ends it forwards: takes away what only the former clusters needed. Returns what could not be, in sentences. */
  finish(): readonly string[];
  /** Ends it backwards. */
  undo(): readonly string[];
}

export interface PreparedHost {
  readonly interface: HostInterface;
  readonly outside: UsableLink | undefined;
  /** What a dead predecessor had left and was taken back at this start. */
  readonly recovered: RestoreReport;
  /** Makes anew what has gone by itself since; returns it, in words. Nothing after `restore`. */
  repair(): string[];
  /**
   * Readies the host for other clusters, beside those that it has; nobody else's addresses on the LAN are taken. When it fails,
   * nothing is changed.
   */
  change(clusters: readonly HostCluster[]): Promise<HostResult<HostTransition>>;
  /** Takes every change back, the last first; once. Synchronous, so that it can run in the last moment of a process. */
  restore(): RestoreReport;
}

const gatewaysIn = (clusters: readonly HostCluster[]): string[] => [
  ...new Set(clusters.flatMap(({ gateway }) => gateway ?? [])),
];

/** Finds the interfaces, and makes sure that no other host owns a cluster address or ghost gateway. Changes nothing. */
async function examineLan(options: PrepareHostOptions): Promise<HostResult<HostLinks>> {
  const { network, clusters, probe = probeLan } = options;
  try {
    const clusterAddresses = clusters.map(({ address }) => address);
    const gateways = gatewaysIn(clusters);
    const inner = findInterface(network, options.interface, options, [...clusterAddresses, ...gateways]);
    if (!inner.ok) return inner;
    const outside = options.outside === undefined ? undefined : findLink(network, options.outside);
    if (outside?.ok === false) return outside;
    const links = { inner: inner.value, outside: outside?.value };
    const conflict = await findConflict(links, clusterAddresses, gateways, probe);
    return conflict ?? { ok: true, value: links };
  } catch (error) {
    return systemProblem(error);
  }
}

async function findConflict(
  { inner, outside = inner }: HostLinks,
  clusterAddresses: readonly string[],
  gateways: readonly string[],
  probe: Probe,
): Promise<HostFailure | undefined> {
  const [ofCluster, ofGateway] = await Promise.all([
    clusterAddresses.length === 0 ? undefined : probe(outside, clusterAddresses),
    gateways.length === 0 ? undefined : probe(inner, gateways),
  ]);
  const conflict = ofCluster ?? ofGateway;
  if (conflict === undefined) return undefined;
  const what = ofCluster === undefined ? 'ghost gateway' : 'cluster address';
  const cure = 'change the configuration, or take the address away from that host';
  const message = `${what} ${conflict.address} belongs to another host, ${conflict.mac}; ${cure}`;
  return hostProblem('address-conflict', message);
}

/**
 * Finds the interfaces, makes sure that no other host owns a cluster address or ghost gateway, undoes what a dead
 * predecessor left, and changes what {@link wantedChanges} says. When it fails, the host is as it was before that predecessor.
 *
 * The predecessor's changes are undone at the last moment, just before they are made again: connections of a service
 * that outlived its node are without their address for some milliseconds only.
 */
export async function prepareHost(options: PrepareHostOptions): Promise<HostResult<PreparedHost>> {
  const { network, clusters, journal } = options;
  try {
    const obstacle = leftoverProblem(inspectLeftover(journal), journal);
    if (obstacle !== undefined) return obstacle;
    const links = await examineLan(options);
    const recovered = recoverLeftover(network, journal);
    if (!links.ok) return links;
    if (!recovered.ok) return recovered;
    const changes = wantedChanges(network, links.value, clusters);
    if (!changes.ok) return changes;
    const made = MadeChanges.begin(network, journal);
    if (!made.ok) return made;
    const failed = made.value.make(changes.value);
    if (failed === undefined)
      return { ok: true, value: new Host(options, links.value, made.value, recovered.value) };
    const { warnings } = made.value.restore();
    return hostProblem(failed.problem.code, [failed.problem.message, ...warnings].join('; '));
  } catch (error) {
    return systemProblem(error);
  }
}

/** Cluster addresses and ghost gateways that were not there before: of the others it is known whose they are. */
function newAddresses(
  former: readonly HostCluster[],
  clusters: readonly HostCluster[],
): [clusterAddresses: string[], gateways: string[]] {
  const [before, after] = [former, clusters].map((each) => each.map(({ address }) => address));
  const gatewaysBefore = gatewaysIn(former);
  return [
    after.filter((address) => !before.includes(address)),
    gatewaysIn(clusters).filter((gateway) => !gatewaysBefore.includes(gateway)),
  ];
}

class Host implements PreparedHost {
  readonly interface: HostInterface;
  readonly outside: UsableLink | undefined;
  readonly recovered: RestoreReport;
  private readonly options: PrepareHostOptions;
  private readonly made: MadeChanges;
  private clusters: readonly HostCluster[];

  constructor(
    options: PrepareHostOptions,
    { inner, outside }: HostLinks,
    made: MadeChanges,
    recovered: RestoreReport,
  ) {
    this.options = options;
    this.clusters = options.clusters;
    this.interface = inner;
    this.outside = outside;
    this.made = made;
    this.recovered = recovered;
  }

  repair(): string[] {
    return this.made.repair();
  }

  restore(): RestoreReport {
    return this.made.restore();
  }

  async change(clusters: readonly HostCluster[]): Promise<HostResult<HostTransition>> {
    const { made, options, clusters: former } = this;
    const { network, probe = probeLan } = options;
    const links = { inner: this.interface, outside: this.outside };
    try {
      const conflict = await findConflict(links, ...newAddresses(former, clusters), probe);
      if (conflict !== undefined) return conflict;
      const difference = hostDifference(network, links, clusters, made.changes);
      if (!difference.ok) return difference;
      const { add, remove } = difference.value;
      const failed = made.make(add);
      if (failed !== undefined) return failed;
      this.clusters = clusters;
      const undo = (): readonly string[] => {
        this.clusters = former;
        return made.takeBack(add);
      };
      return { ok: true, value: { finish: () => made.takeBack(remove), undo } };
    } catch (error) {
      return systemProblem(error);
    }
  }
}
