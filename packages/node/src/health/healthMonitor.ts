import { performance } from 'node:perf_hooks';
import type { HealthConfig } from '../config/index.js';
import type { CheckStatus } from '../control/index.js';
import { nameOfCheck, runCheck, type CheckResult } from './checks.js';
import { RiseAndFall, type Health } from './riseAndFall.js';

interface Watched {
  readonly config: HealthConfig;
  readonly state: RiseAndFall;
  timer?: NodeJS.Timeout;
  last?: CheckResult & { readonly atMs: number };
  /** Why it was last not well. */
  why: string | undefined;
}

/**
 * Checks the services of this node (S11, R16). The node is good while all of them are: one that answers wrongly for one of
 * its services would be given that service's clients all the same. Until each has answered once, nothing is known.
 */
export class HealthMonitor {
  private readonly watched: Watched[];
  private readonly onChange: (state: Exclude<Health, 'unknown'>, why: string) => void;
  private state: Health = 'unknown';
  private closed = false;

  /** @param onChange called when the first word is in, and after that whenever it changes. */
  constructor(
    configs: readonly HealthConfig[],
    onChange: (state: Exclude<Health, 'unknown'>, why: string) => void,
  ) {
    this.watched = configs.map((config) => ({
      config,
      state: new RiseAndFall(config.rise, config.fall),
      why: undefined,
    }));
    this.onChange = onChange;
  }

  /** Without checks nothing will ever be said. */
  get isEmpty(): boolean {
    return this.watched.length === 0;
  }

  /** The first check of each comes at once: the node waits for it. */
  start(): void {
    for (const watched of this.watched) this.schedule(watched, 0);
  }

  close(): void {
    this.closed = true;
    for (const { timer } of this.watched) clearTimeout(timer);
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
    if (this.closed) return;
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
