import { applyChange, repairChanges, undoAll, undoChanges, type RestoreReport } from './changes.js';
import { createJournal, writeJournal, type HostChange } from './journal.js';
import type { HostNetwork } from './network.js';
import { errorCode, hostProblem, systemProblem, type HostFailure, type HostResult } from './problem.js';
import { ownIdentity } from './processIdentity.js';

/** The changes that a node has made to its host, as the undo journal has them. */
export class MadeChanges {
  private readonly network: HostNetwork;
  private readonly journal: string;
  private readonly identity = ownIdentity();
  private made: readonly HostChange[] = [];
  private isRestored = false;

  private constructor(network: HostNetwork, journal: string) {
    this.network = network;
    this.journal = journal;
  }

  /** Begins a journal: of two processes only one succeeds. */
  static begin(network: HostNetwork, journal: string): HostResult<MadeChanges> {
    const made = new MadeChanges(network, journal);
    try {
      createJournal(journal, { process: made.identity, changes: [] });
      return { ok: true, value: made };
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
  }

  /** In the order in which they were made. */
  get changes(): readonly HostChange[] {
    return this.made;
  }

  /** Makes changes, each in the journal before. When one fails, these are taken back, and those from before stay. */
  make(changes: readonly HostChange[]): HostFailure | undefined {
    if (this.isRestored) return hostProblem('system', 'the node is being stopped');
    const before = this.made;
    try {
      for (const change of changes) {
        this.note([...this.made, change]);
        applyChange(this.network, change);
      }
      return undefined;
    } catch (error) {
      const warnings = this.takeBack(this.made.slice(before.length));
      const failed = systemProblem(error);
      if (warnings.length === 0) return failed;
      return hostProblem(failed.problem.code, [failed.problem.message, ...warnings].join('; '));
    }
  }

  /** Takes some of the changes back, the last first. What cannot be undone stays in the journal; returns it in words. */
  takeBack(changes: readonly HostChange[]): readonly string[] {
    if (this.isRestored) return [];
    const { remaining, warnings } = undoChanges(this.network, changes);
    this.note(this.made.filter((change) => !changes.includes(change) || remaining.includes(change)));
    return warnings;
  }

  /** See `PreparedHost`. */
  repair(): string[] {
    return this.isRestored ? [] : repairChanges(this.network, this.made);
  }

  /** See `PreparedHost`. */
  restore(): RestoreReport {
    if (this.isRestored) return { undone: 0, warnings: [] };
    this.isRestored = true;
    return undoAll(this.network, this.journal, { process: this.identity, changes: this.made });
  }

  private note(changes: readonly HostChange[]): void {
    this.made = changes;
    writeJournal(this.journal, { process: this.identity, changes });
  }
}
