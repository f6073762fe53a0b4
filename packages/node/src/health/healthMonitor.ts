import { performance } from 'node:perf_hooks';
import type { HealthConfig } from '../config/index.js';
import type { CheckStatus } from '../control/index.js';
import { nameOfCheck, runCheck, type CheckResult } from './checks.js';
import { RiseAndFall, type Health } from './riseAndFall.js';

interface Watched {
  readonly config: HealthConfig;
  readonly state: RiseAndFall;
  timer?: NodeJS.Timeout;
  /** Nobody wants to know any more. */
  isGone?: boolean;
  last?: CheckResult & { readonly atMs: number };
  /** Why it was last not well. */
  why: string | undefined;
}

/**
 * Checks the services of this node (S11, R16). The node is good while all of them are: one that answers wrongly for one of
 * its services would be given that service's clients all the same. Until each has answered once, nothing is known.
 */
export class HealthMonitor {
  private watched: Watched[];
  private readonly onChange: (state: Exclude<Health, 'unknown'>, why: string) => void;
  private state: Health = 'unknown';
  private closed = false;

  /** @param onChange called when the first word is in, and after that whenever it changes. */
  constructor(
    configs: readonly HealthConfig[],
    onChange: (state: Exclude<Health, 'unknown'>, why: string) => void,
  ) {
    this.watched = configs.map((config) => watch(config));
    this.onChange = onChange;
  }

  /** Without checks nothing will ever be said. */
  get isEmpty(): boolean {
    return this.watched.length === 0;
  }

  /** The first check of each comes at once: the node waits for it. */
  start(): void {
    if (this.isEmpty) this.state = 'good';
    for (const watched of this.watched) this.schedule(watched, 0);
  }

  close(): void {
    this.closed = true;
    for (const { timer } of this.watched) clearTimeout(timer);
  }

  /**
   * Checks these from now on. What is checked as before keeps its state; a new check of a node that is good has to fail as
   * often as any other before the node counts as ill. To be called after `start`.
   */
  reconfigure(configs: readonly HealthConfig[]): void {
    const left = new Map(this.watched.map((watched) => [JSON.stringify(watched.config), watched]));
    const known = this.state === 'good' ? 'good' : 'unknown';
    this.watched = configs.map((config) => {
      const name = JSON.stringify(config);
      const kept = left.get(name);
      left.delete(name);
      if (kept !== undefined) return kept;
      const added = watch(config, known);
      this.schedule(added, 0);
      return added;
    });
    for (const gone of left.values()) {
      clearTimeout(gone.timer);
      gone.isGone = true;
    }
    this.review();
  }

  /**
   * How long the slowest service took to answer its last check, milliseconds; what did not answer took the time it was
   * given. `undefined` when nothing tells: a command's time is its own.
   */
  responseMs(): number | undefined {
    const times = this.watched.flatMap(({ config, last }) => {
      if (last === undefined || config.command !== undefined) return [];
      return [last.ok ? last.ms : config.timeoutMs];
    });
    return times.length === 0 ? undefined : Math.max(...times);
  }

  status(): CheckStatus[] {
    return this.watched.map(({ config, state, last, why }) => ({
      check: nameOfCheck(config),
      state: state.state,
      ok: last?.ok ?? null,
      responseMs: last === undefined ? null : Math.round(last.ms * 1000) / 1000,
      ageMs: last === undefined ? null : Math.round(performance.now() - last.atMs),
      lastFailure: why ?? null,
    }));
  }

  private schedule(watched: Watched, inMs: number): void {
    watched.timer = setTimeout(() => {
      void runCheck(watched.config).then((result) => this.note(watched, result));
    }, inMs);
  }

  private note(watched: Watched, result: CheckResult): void {
    if (this.closed || watched.isGone === true) return;
    const { intervalMs } = watched.config;
    // A tenth of jitter keeps the checks of many nodes from falling into step.
    this.schedule(watched, intervalMs * (0.95 + Math.random() * 0.1));
    watched.last = { ...result, atMs: performance.now() };
    if (!result.ok) watched.why = result.why;
    if (watched.state.note(result.ok)) this.review();
  }

  private review(): void {
    const bad = this.watched.find(({ state }) => state.state === 'ill');
    const waits = this.watched.some(({ state }) => state.state === 'unknown');
    if (bad === undefined && waits) return;
    const state = bad === undefined ? 'good' : 'ill';
    if (state === this.state) return;
    this.state = state;
    this.onChange(state, bad?.why ?? 'all checks pass');
  }
}

function watch(config: HealthConfig, state: Health = 'unknown'): Watched {
  return { config, state: new RiseAndFall(config.rise, config.fall, state), why: undefined };
}
