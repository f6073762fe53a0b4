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
  /** Asks one member, by the IPv4 address of its host; rows go to `onRows`. */
  readonly ask: (member: number, onRows: (list: ConnectionList) => void) => Promise<AskResult>;
  /** Whether the member is still there to be asked again. */
  readonly isThere: (member: number) => boolean;
  /** Enters what a member holds into the connection map; resolves when it is there. */
  readonly enter: (member: number, list: ConnectionList) => Promise<unknown>;
  /** On: hold packets of unknown connections, and look at those that are held once more. Off: let them go. */
  readonly hold: (on: boolean) => void;
  readonly onResult: (member: number, result: AskResult, ms: number) => void;
  /** Packets are held no longer than this (the broadcast timeout); answers that come later still count. */
  readonly holdLimitMs: number;
}

/** A busy member may miss a question; one that has gone is not asked again. */
const ATTEMPTS = 3;
const RETRY_MS = 20;

/**
 * Rebuilding the connection map from the servers' own tables (S9): everybody is asked at once; packets of unknown
 * connections are held meanwhile, looked at again with each answer, and let go when all have answered or the limit has
 * passed. Questions may overlap: a member that joins a running rebuild just adds to it.
 */
export class Rebuild {
  private readonly deps: RebuildDependencies;
  private readonly open = new Set<Promise<boolean>>();
  private asked = 0;
  private answered = 0;
  private startedMs = 0;
  private lastMs = 0;
  private ran = false;
  /** Questions of an earlier term no longer count. */
  private term = 0;
  private holding = false;
  private holdLimit: NodeJS.Timeout | undefined;

  constructor(deps: RebuildDependencies) {
    this.deps = deps;
  }

  /** Asks these members; resolves when each has been settled, with whether all who are still there have answered. */
  async run(members: readonly number[], options: { readonly hold: boolean }): Promise<boolean> {
    if (members.length === 0) return true;
    if (this.open.size === 0) this.begin();
    if (options.hold) this.startHolding();
    const answers = await Promise.all(members.map((member) => this.question(member)));
    return answers.every(Boolean);
  }

  /** Forgets what is under way: this node does not dispatch any more. What is held is the caller's from here on. */
  cancel(): void {
    this.term++;
    this.open.clear();
    clearTimeout(this.holdLimit);
    this.holding = false;
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

  private startHolding(): void {
    this.holding = true;
    this.deps.hold(true);
    clearTimeout(this.holdLimit);
    this.holdLimit = setTimeout(() => this.release(), this.deps.holdLimitMs);
  }

  private release(): void {
    clearTimeout(this.holdLimit);
    this.holding = false;
    this.deps.hold(false);
  }

  private question(member: number): Promise<boolean> {
    const { term } = this;
    this.asked++;
    const question = this.ask(member, term).then((answered) => {
      if (term === this.term) this.settle(question);
      return answered;
    });
    this.open.add(question);
    return question;
  }

  private async ask(member: number, term: number): Promise<boolean> {
    const askedMs = this.deps.nowMs();
    for (let attempt = 1; ; attempt++) {
      const entering: unknown[] = [];
      const result = await this.deps.ask(member, (list) => {
        if (term === this.term) entering.push(this.deps.enter(member, list));
      });
      await Promise.all(entering);
      if (term !== this.term) return false;
      this.deps.onResult(member, result, this.deps.nowMs() - askedMs);
      if (result.ok || !this.deps.isThere(member)) return true;
      if (attempt === ATTEMPTS) return false;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (term !== this.term) return false;
    }
  }

  private settle(question: Promise<boolean>): void {
    this.answered++;
    this.open.delete(question);
    if (this.open.size > 0) {
      if (this.holding) this.deps.hold(true);
      return;
    }
    this.lastMs = this.deps.nowMs() - this.startedMs;
    if (this.holding) this.release();
  }
}
