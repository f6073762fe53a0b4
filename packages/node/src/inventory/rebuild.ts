import type { ConnectionList } from '../dataplane/index.js';
import type { AskResult } from './ask.js';

/** How far the learning of the others' connections is; `status` shows it (N1). */
export interface RebuildProgress {
  readonly state: 'idle' | 'running' | 'done';
  readonly percent: number;
  readonly ms: number;
}

export interface RebuildDependencies {
  readonly nowMs: () => number;
  /** Asks one member, by ring address; rows go to `onRows`. */
  readonly ask: (member: number, onRows: (list: ConnectionList) => void) => Promise<AskResult>;
  /** Enters what a member holds into the connection map. */
  readonly enter: (member: number, list: ConnectionList) => unknown;
  /** Hold or release packets of unknown connections (dispatch.md, Failover). */
  readonly hold: (on: boolean) => void;
  readonly onResult: (member: number, result: AskResult, ms: number) => void;
}

/**
 * Rebuilding the connection map from the servers' own tables (S9): everybody is asked at once, unknown packets are
 * held meanwhile, and released when the last one has answered or failed to. Questions may overlap: a member that joins
 * a running rebuild just adds to it.
 */
export class Rebuild {
  private readonly deps: RebuildDependencies;
  private readonly open = new Set<Promise<void>>();
  private asked = 0;
  private answered = 0;
  private startedMs = 0;
  private lastMs = 0;
  private ran = false;
  /** Questions of an earlier term no longer count. */
  private term = 0;

  constructor(deps: RebuildDependencies) {
    this.deps = deps;
  }

  /** Asks these members; resolves when all questions that are open then have been settled. */
  async run(members: readonly number[], options: { readonly hold: boolean }): Promise<void> {
    if (members.length === 0) return;
    if (this.open.size === 0) this.begin();
    if (options.hold) this.deps.hold(true);
    for (const member of members) this.ask(member);
    while (this.open.size > 0) await Promise.all(this.open);
  }

  /** Forgets what is under way: this node does not dispatch any more. */
  cancel(): void {
    this.term++;
    this.open.clear();
    this.deps.hold(false);
  }

  progress(): RebuildProgress {
    if (!this.ran) return { state: 'idle', percent: 0, ms: 0 };
    if (this.open.size === 0) return { state: 'done', percent: 100, ms: this.lastMs };
    const percent = Math.floor((100 * this.answered) / Math.max(1, this.asked));
    return { state: 'running', percent, ms: this.deps.nowMs() - this.startedMs };
  }

  private begin(): void {
    this.ran = true;
    this.asked = 0;
    this.answered = 0;
    this.startedMs = this.deps.nowMs();
  }

  private ask(member: number): void {
    const { term } = this;
    const askedMs = this.deps.nowMs();
    this.asked++;
    const question = this.deps
      .ask(member, (list) => {
        if (term === this.term) this.deps.enter(member, list);
      })
      .then((result) => {
        if (term !== this.term) return;
        this.answered++;
        this.open.delete(question);
        this.deps.onResult(member, result, this.deps.nowMs() - askedMs);
        if (this.open.size > 0) return;
        this.lastMs = this.deps.nowMs() - this.startedMs;
        this.deps.hold(false);
      });
    this.open.add(question);
  }
}
