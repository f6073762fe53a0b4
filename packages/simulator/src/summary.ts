import type { Coverage } from './coverage.js';
import { EXPECTED_COVERAGE } from './coverage.js';
import type { RunResult } from './run.js';

/** The first invariant that fell in one seed. */
export interface Fallen {
  readonly seed: number;
  readonly invariant: number;
  readonly atMs: number;
  readonly what: string;
}

/** How long the convergence took, over the seeds of one node count. */
export interface Convergence {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The greatest bound of these seeds; each is judged by its own. */
  readonly boundMs: number;
}

export interface SummaryDocument {
  readonly seeds: number;
  readonly events: number;
  readonly violations: readonly Fallen[];
  readonly coverage: Coverage;
  /** By node count. */
  readonly convergence: Record<string, Convergence>;
}

interface Samples {
  readonly afterMs: number[];
  boundMs: number;
}

/** What many runs come to. Fed in any order; the document does not depend on it. */
export class Summary {
  private seeds = 0;
  private events = 0;
  private readonly violations: Fallen[] = [];
  private readonly coverage: Coverage = Object.fromEntries(EXPECTED_COVERAGE.map((name) => [name, 0]));
  private readonly samples = new Map<number, Samples>();

  add(result: RunResult): void {
    this.seeds++;
    this.events += result.events;
    const fallen = result.violations[0];
    if (fallen) this.violations.push({ seed: result.seed, ...fallen });
    for (const [name, count] of Object.entries(result.coverage))
      this.coverage[name] = (this.coverage[name] ?? 0) + count;
    this.addConvergence(result);
  }

  get failed(): boolean {
    return this.violations.length > 0;
  }

  document(): SummaryDocument {
    const counts = [...this.samples.keys()].sort((a, b) => a - b);
    return {
      seeds: this.seeds,
      events: this.events,
      violations: [...this.violations].sort((a, b) => a.seed - b.seed),
      coverage: this.coverage,
      convergence: Object.fromEntries(counts.map((n) => [n, describe(this.samples.get(n) as Samples)])),
    };
  }

  private addConvergence({ nodes, convergedAfterMs, boundMs }: RunResult): void {
    if (convergedAfterMs === undefined) return;
    const samples = this.samples.get(nodes) ?? { afterMs: [], boundMs: 0 };
    samples.afterMs.push(convergedAfterMs);
    samples.boundMs = Math.max(samples.boundMs, boundMs);
    this.samples.set(nodes, samples);
  }
}

function describe({ afterMs, boundMs }: Samples): Convergence {
  const sorted = [...afterMs].sort((a, b) => a - b);
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
    return Math.round(sorted[index] as number);
  };
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), boundMs: Math.round(boundMs) };
}
