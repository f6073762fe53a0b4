/** Making the changes of a node to its host, and taking them back. */
import { writeJournal, removeJournal, type HostChange, type JournalContent } from './journal.js';
import type { HostNetwork } from './network.js';
import { errorCode } from './problem.js';

/** The setting or the interface went away by itself: nothing is left to undo. */
const GONE = new Set(['ENOENT', 'ENODEV', 'EADDRNOTAVAIL']);

export const clusterAddressOnLoopback = (address: string) => ({ interface: 'lo', address, prefixLength: 32 });

export function applyChange(network: HostNetwork, change: HostChange): void {
  if (change.kind === 'address') network.addAddress(clusterAddressOnLoopback(change.address));
  else network.writeSysctl(change.path, change.after);
}

/** Takes one change back, unless somebody has changed the same thing since: then it is theirs. */
function undoChange(network: HostNetwork, change: HostChange): string | undefined {
  if (change.kind === 'address') {
    network.deleteAddress(clusterAddressOnLoopback(change.address));
    return undefined;
  }
  const now = network.readSysctl(change.path);
  if (now === change.after) network.writeSysctl(change.path, change.before);
  else if (now !== change.before) return `${change.path} is ${now} now, which is not ours: left alone`;
  return undefined;
}

function describe(change: HostChange): string {
  return change.kind === 'address' ? `${change.address} on lo` : `${change.path}=${change.before}`;
}

export interface RestoreReport {
  /** How many changes were taken back. */
  readonly undone: number;
  /** What was left as it is on purpose, or could not be undone; sentences for the log. Usually empty. */
  readonly warnings: readonly string[];
}

/**
 * Takes back the changes of a journal, the last one first, and removes the file. What cannot be undone stays in the
 * file, for the next start with more rights.
 */
export function undoAll(network: HostNetwork, file: string, content: JournalContent): RestoreReport {
  const warnings: string[] = [];
  const remaining: HostChange[] = [];
  for (const change of content.changes.toReversed()) {
    try {
      const note = undoChange(network, change);
      if (note !== undefined) warnings.push(note);
    } catch (error) {
      if (GONE.has(errorCode(error) ?? '')) continue;
      warnings.push(`could not restore ${describe(change)}: ${(error as Error).message}`);
      remaining.unshift(change);
    }
  }
  if (remaining.length === 0) removeJournal(file);
  else writeJournal(file, { ...content, changes: remaining });
  return { undone: content.changes.length - remaining.length, warnings };
}
