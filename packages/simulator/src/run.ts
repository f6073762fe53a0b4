import type { Violation } from './checks/checks.js';
import { watchInvariants } from './checks/checks.js';
import type { Observer } from './cluster/world.js';
import { World } from './cluster/world.js';
import type { Sabotage } from './sabotage/sabotage.js';
import { inject } from './scenario/inject.js';
import type { Scenario } from './scenario/scenario.js';

export interface RunOptions {
  readonly sabotage?: Sabotage;
  readonly observers?: readonly Observer[];
  /** Go on after an invariant fell, for the trace. */
  readonly toTheEnd?: boolean;
}

export interface RunResult {
  readonly seed: number;
  readonly nodes: number;
  readonly events: number;
  readonly violations: readonly Violation[];
  /** After the end of the faults; `undefined`: not converged when the run ended. */
  readonly convergedAfterMs: number | undefined;
  readonly boundMs: number;
}

/** Plays a scenario to its end, or until an invariant falls. */
export function run(scenario: Scenario, options: RunOptions = {}): RunResult {
  const world = new World(scenario, options.sabotage);
  world.observers.push(...(options.observers ?? []));
  const { judge, convergence } = watchInvariants(world);
  inject(world);
  const stop = (): boolean => judge.violations.length > 0 && options.toTheEnd !== true;
  world.run(scenario.endMs, stop);
  return {
    seed: scenario.seed,
    nodes: scenario.nodes.length,
    events: world.events,
    violations: judge.violations,
    convergedAfterMs: convergence.convergedAfterMs,
    boundMs: scenario.settledMs - scenario.stormEndMs,
  };
}
