/** A whole cluster in one process, deterministic, from a seed. Start at `generate` and `run`. */
export { generate, type NodeRange } from './scenario/generate.js';
export type { Fault, FaultKind, NodeTraits, Scenario, Weather } from './scenario/scenario.js';
export { describeFault } from './scenario/inject.js';
export { run, type RunOptions, type RunResult } from './run.js';
export type { Violation } from './checks/checks.js';
export { Trace } from './trace.js';
