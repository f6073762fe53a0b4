import type { Violation } from './checks/checks.js';
import { watchInvariants } from './checks/checks.js';
import type { Observer } from './cluster/world.js';
import { World } from './cluster/world.js';
import type { Coverage } from './coverage.js';
import { CoverageCounter } from './coverage.js';
import type { Sabotage } from './sabotage/sabotage.js';
import { inject } from './scenario/inject.js';
import type { Scenario } from './scenario/scenario.js';

export interface RunOptions {
  /** Made anew for each run: it may keep state. */
  readonly sabotage?: () => Sabotage;
  readonly observers?: readonly Observer[];
}

export interface RunResult {
  readonly seed: number;
  readonly nodes: number;
  /** Inputs that ring cores took and frames that dispatch cores decided about. */
  readonly events: number;
  readonly violations: readonly Violation[];
  /** After the end of the faults; `undefined`: not converged when the run ended. */
  readonly convergedAfterMs: number | undefined;
  readonly boundMs: number;
  readonly coverage: Coverage;
}

/** Plays a scenario to its end, or until an invariant falls. */
export function run(scenario: Scenario, options: RunOptions = {}): RunResult {
  const world = new World(scenario, options.sabotage?.());
  const coverage = new CoverageCounter();
  world.observers.push(coverage, ...(options.observers ?? []));
  const { judge, convergence } = watchInvariants(world);
  for (const observer of world.observers) observer.attached?.(world);
  inject(world);
  try {
    world.run(() => judge.violations.length > 0);
  } catch (error) {
    judge.fail(
      6,
      `something threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  return {
    seed: scenario.seed,
    nodes: scenario.nodes.length,
    events: world.events,
    violations: judge.violations,
    convergedAfterMs: convergence.convergedAfterMs,
    boundMs: scenario.settledMs - scenario.stormEndMs,
    coverage: coverage.counts,
  };
}
