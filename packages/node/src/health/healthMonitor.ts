import type { HealthConfig } from '../config/index.js';
import { checkHttp, checkTcp, type CheckResult } from './checks.js';
import { RiseAndFall } from './riseAndFall.js';

interface Watched {
  readonly config: HealthConfig;
  readonly state: RiseAndFall;
  timer?: NodeJS.Timeout;
  why: string;
}

/**
 * Checks the services of this node (S11, R16). The node is healthy while all of them are: a node that answers wrongly
 * for one of its services would be given that service's clients all the same.
 */
export class HealthMonitor {
  private readonly watched: Watched[];
  private readonly onChange: (healthy: boolean, why: string) => void;
  private healthy = true;
  private closed = false;

  constructor(configs: readonly HealthConfig[], onChange: (healthy: boolean, why: string) => void) {
    this.watched = configs.map((config) => ({
      config,
      state: new RiseAndFall(config.rise, config.fall),
      why: '',
    }));
    this.onChange = onChange;
  }

  start(): void {
    for (const watched of this.watched) this.schedule(watched, Math.random() * watched.config.intervalMs);
  }

  close(): void {
    this.closed = true;
    for (const { timer } of this.watched) clearTimeout(timer);
  }

  private schedule(watched: Watched, inMs: number): void {
    watched.timer = setTimeout(() => {
      void check(watched.config).then((result) => this.note(watched, result));
    }, inMs);
  }

  private note(watched: Watched, result: CheckResult): void {
    if (this.closed) return;
    const { intervalMs } = watched.config;
    // A tenth of jitter keeps the checks of many nodes from falling into step.
    this.schedule(watched, intervalMs * (0.95 + Math.random() * 0.1));
    if (!result.ok) watched.why = result.why;
    if (!watched.state.note(result.ok)) return;
    const bad = this.watched.find((w) => !w.state.healthy);
    const healthy = bad === undefined;
    if (healthy === this.healthy) return;
    this.healthy = healthy;
    this.onChange(healthy, bad?.why ?? 'all checks pass');
  }
}

function check(config: HealthConfig): Promise<CheckResult> {
  if (config.http !== undefined) return checkHttp(config.http, config.timeoutMs);
  return checkTcp(config.tcp as string, config.timeoutMs);
}
