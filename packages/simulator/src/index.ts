/** A whole cluster in one process, deterministic, from a seed. Start at `generate` and `run`. */
export { generate, type NodeRange } from './scenario/generate.js';
export type { Fault, FaultKind, NodeTraits, Scenario, Weather } from './scenario/scenario.js';
export { describeFault } from './scenario/describe.js';
export { convergenceBoundMs } from './scenario/bound.js';
export { run, type RunOptions, type RunResult } from './run.js';
export { shrink } from './shrink.js';
export { type Convergence, type Fallen, Summary, type SummaryDocument } from './summary.js';
export { type Coverage, EXPECTED_COVERAGE } from './coverage.js';
export type { Violation } from './checks/checks.js';
export { Trace } from './trace.js';
export type { Sabotage } from './sabotage/sabotage.js';
export { SABOTAGES } from './sabotage/catalogue.js';
