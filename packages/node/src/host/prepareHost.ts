/**
 * Takes a host into a cluster and back out of it, failing safe: every change is in the undo journal before it is made,
 * is undone at exit, and after a crash by the next start.
 */
import type { AddressConflict } from './addressConflict.js';
import { applyChange, repairChanges, undoAll, type RestoreReport } from './changes.js';
import type { HostCluster } from './hostCluster.js';
import {
  findInterface,
  findLink,
  type HostInterface,
  type UsableLink,
  type WantedAddresses,
} from './hostInterface.js';
import { createJournal, writeJournal, type HostChange } from './journal.js';
import { inspectLeftover, leftoverProblem, recoverLeftover } from './leftover.js';
import type { HostNetwork } from './network.js';
import { probeLan } from './lanProbe.js';
import { errorCode, hostProblem, systemProblem, type HostFailure, type HostResult } from './problem.js';
import { ownIdentity } from './processIdentity.js';
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

export interface PreparedHost {
  readonly interface: HostInterface;
  readonly outside: UsableLink | undefined;
  /** What a dead predecessor had left and was taken back at this start. */
  readonly recovered: RestoreReport;
  /** Makes anew what has gone by itself since; returns it, in words. Nothing after `restore`. */
  repair(): string[];
  /** Takes every change back, the last first; once. Synchronous, so that it can run in the last moment of a process. */
  restore(): RestoreReport;
}

interface MadeChanges {
  readonly repair: () => string[];
  readonly restore: () => RestoreReport;
}

function makeChanges(options: PrepareHostOptions, changes: readonly HostChange[]): HostResult<MadeChanges> {
  const { network, journal } = options;
  const identity = ownIdentity();
  const made: HostChange[] = [];
  let restored: RestoreReport | undefined;
  const restore = (): RestoreReport => {
    if (restored !== undefined) return { undone: 0, warnings: [] };
    restored = undoAll(network, journal, { process: identity, changes: made });
    return restored;
  };
  const repair = (): string[] => (restored === undefined ? repairChanges(network, made) : []);
  try {
    createJournal(journal, { process: identity, changes: [] });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') {
      return hostProblem(
        'already-running',
        `another node was started here at the same moment: ${journal} exists`,
      );
    }
    const cure = 'make its directory writable, or set control.socket elsewhere';
    return hostProblem(
      'journal-unusable',
      `the undo journal cannot be written; ${cure}: ${(error as Error).message}`,
    );
  }
  try {
    for (const change of changes) {
      made.push(change);
      writeJournal(journal, { process: identity, changes: made });
      applyChange(network, change);
    }
  } catch (error) {
    const { warnings } = restore();
    const failed = systemProblem(error);
    if (warnings.length === 0) return failed;
    return hostProblem(failed.problem.code, [failed.problem.message, ...warnings].join('; '));
  }
  return { ok: true, value: { repair, restore } };
}

/** Finds the interfaces, and makes sure that no other host owns a cluster address or ghost gateway. Changes nothing. */
async function examineLan(options: PrepareHostOptions): Promise<HostResult<HostLinks>> {
  const { network, clusters, probe = probeLan } = options;
  try {
    const clusterAddresses = clusters.map(({ address }) => address);
    const gateways = [...new Set(clusters.flatMap(({ gateway }) => gateway ?? []))];
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
    probe(outside, clusterAddresses),
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
    const made = makeChanges(options, changes.value);
    if (!made.ok) return made;
    const { inner, outside } = links.value;
    return { ok: true, value: { interface: inner, outside, recovered: recovered.value, ...made.value } };
  } catch (error) {
    return systemProblem(error);
  }
}
