/** What a node that died without cleaning up left on the host. */
import { undoAll, type RestoreReport } from './changes.js';
import { readJournal, removeJournal, type JournalContent } from './journal.js';
import type { HostNetwork } from './network.js';
import { hostProblem, type HostFailure, type HostResult } from './problem.js';
import { isAlive, ownIdentity, sharesNetwork } from './processIdentity.js';

export type Leftover =
  | { readonly kind: 'none' | 'damaged' }
  /** A node that uses the same journal runs. */
  | { readonly kind: 'live'; readonly pid: number }
  /** Its process is dead, but the host has been started anew since, or it was in another container. */
  | { readonly kind: 'obsolete' }
  | { readonly kind: 'dead'; readonly content: JournalContent };

/** Looks at a journal without touching anything. Throws only what the disk throws. */
export function inspectLeftover(file: string): Leftover {
  const content = readJournal(file);
  if (content === 'absent') return { kind: 'none' };
  if (content === 'damaged') return { kind: 'damaged' };
  if (isAlive(content.process)) return { kind: 'live', pid: content.process.pid };
  return sharesNetwork(content.process, ownIdentity()) ? { kind: 'dead', content } : { kind: 'obsolete' };
}

/** Why a node cannot start on top of what is there; undefined when it can. */
export function leftoverProblem(found: Leftover, file: string): HostFailure | undefined {
  if (found.kind === 'live') {
    const cure = 'stop it first, or give this one another control.socket';
    return hostProblem('already-running', `a node already runs here as process ${found.pid}; ${cure}`);
  }
  if (found.kind !== 'damaged') return undefined;
  const cure = 'check addresses on lo and the ARP sysctls with `ringmaster doctor`, then remove the file';
  const message = `${file} is no undo journal, and tells nothing of the last run; ${cure}`;
  return hostProblem('journal-unusable', message);
}

/** Takes back what a dead node left. `undone` is 0 when there was nothing. */
export function recoverLeftover(network: HostNetwork, file: string): HostResult<RestoreReport> {
  const found = inspectLeftover(file);
  if (found.kind === 'dead') return undoLeftover(network, file, found.content);
  if (found.kind === 'obsolete') removeJournal(file);
  return leftoverProblem(found, file) ?? { ok: true, value: { undone: 0, warnings: [] } };
}

function undoLeftover(
  network: HostNetwork,
  file: string,
  content: JournalContent,
): HostResult<RestoreReport> {
  const report = undoAll(network, file, content);
  if (readJournal(file) === 'absent') return { ok: true, value: report };
  const what = `a node that died left changes that cannot be undone: ${report.warnings.join('; ')}`;
  return hostProblem('not-permitted', `${what}; run as root, or with CAP_NET_ADMIN and a writable /proc/sys`);
}
