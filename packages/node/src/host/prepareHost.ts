/**
 * Takes a host into a cluster and back out of it, failing safe: every change is in the undo journal before it is made,
 * is undone at exit, and after a crash by the next start.
 */
import { probeByArp } from './arpProbe.js';
import type { AddressConflict } from './addressConflict.js';
import { applyChange, undoAll, type RestoreReport } from './changes.js';
import { findInterface, type HostInterface } from './hostInterface.js';
import { createJournal, writeJournal, type HostChange } from './journal.js';
import { inspectLeftover, leftoverProblem, recoverLeftover } from './leftover.js';
import type { HostNetwork } from './network.js';
import { errorCode, hostProblem, systemProblem, type HostResult } from './problem.js';
import { ownIdentity } from './processIdentity.js';
import { wantedChanges } from './wanted.js';

export interface PrepareHostOptions {
  readonly network: HostNetwork;
  /** Name of the interface to the ring, and which of its addresses is the ring address (default: the first). */
  readonly interface: string;
  readonly address?: string;
  readonly clusterAddresses: readonly string[];
  /** Where the undo journal is: `journalPath(control.socket)`. */
  readonly journal: string;
  /** Asks the LAN whether somebody else owns a cluster address. Default: ARP probes, about a quarter of a second. */
  readonly probe?: Probe;
}

export type Probe = (
  link: HostInterface,
  addresses: readonly string[],
) => Promise<AddressConflict | undefined>;

export interface PreparedHost {
  readonly interface: HostInterface;
  /** What a dead predecessor had left and was taken back at this start. */
  readonly recovered: RestoreReport;
  /** Takes every change back, the last first; once. Synchronous, so that it can run in the last moment of a process. */
  restore(): RestoreReport;
}

function makeChanges(
  options: PrepareHostOptions,
  changes: readonly HostChange[],
): HostResult<() => RestoreReport> {
  const { network, journal } = options;
  const identity = ownIdentity();
  const made: HostChange[] = [];
  let restored: RestoreReport | undefined;
  const restore = (): RestoreReport => {
    if (restored !== undefined) return { undone: 0, warnings: [] };
    restored = undoAll(network, journal, { process: identity, changes: made });
    return restored;
  };
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
  return { ok: true, value: restore };
}

/** Finds the interface, and makes sure that no other host owns a cluster address. Changes nothing. */
async function examineLan(options: PrepareHostOptions): Promise<HostResult<HostInterface>> {
  const { network, clusterAddresses, probe = probeByArp } = options;
  try {
    const link = findInterface(network, options.interface, options.address, clusterAddresses);
    if (!link.ok) return link;
    const conflict = await probe(link.value, clusterAddresses);
    if (conflict === undefined) return link;
    const cure = 'change the configuration, or take the address away from that host';
    const message = `cluster address ${conflict.address} belongs to another host, ${conflict.mac}; ${cure}`;
    return hostProblem('address-conflict', message);
  } catch (error) {
    return systemProblem(error);
  }
}

/**
 * Finds the interface, makes sure that no other host owns a cluster address, undoes what a dead predecessor left, sets
 * the ARP settings and puts the addresses on `lo`. When it fails, the host is as it was before that predecessor.
 *
 * The predecessor's changes are undone at the last moment, just before they are made again: connections of a service
 * that outlived its node are without their address for some milliseconds only.
 */
export async function prepareHost(options: PrepareHostOptions): Promise<HostResult<PreparedHost>> {
  const { network, clusterAddresses, journal } = options;
  try {
    const obstacle = leftoverProblem(inspectLeftover(journal), journal);
    if (obstacle !== undefined) return obstacle;
    const link = await examineLan(options);
    const recovered = recoverLeftover(network, journal);
    if (!link.ok) return link;
    if (!recovered.ok) return recovered;
    const changes = wantedChanges(network, options.interface, clusterAddresses);
    if (!changes.ok) return changes;
    const made = makeChanges(options, changes.value);
    if (!made.ok) return made;
    return { ok: true, value: { interface: link.value, recovered: recovered.value, restore: made.value } };
  } catch (error) {
    return systemProblem(error);
  }
}
