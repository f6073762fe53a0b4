import { LeastConnections } from './leastConnections.js';
import { Maglev } from './maglev.js';
import { RoundRobin } from './roundRobin.js';
import type { Scheduler } from './scheduler.js';
import { SourceHash } from './sourceHash.js';
import { TwoRandomChoices } from './twoRandomChoices.js';
import { WeightedRoundRobin } from './weightedRoundRobin.js';

const makers = {
  'round-robin': () => new RoundRobin(),
  'weighted-round-robin': () => new WeightedRoundRobin(false),
  'least-connections': () => new LeastConnections(false),
  'weighted-least-connections': () => new LeastConnections(true),
  'source-hash': () => new SourceHash(),
  maglev: () => new Maglev(),
  'two-random-choices': (seed: number) => new TwoRandomChoices(seed),
  'load-aware': () => new WeightedRoundRobin(true),
} satisfies Record<string, (seed: number) => Scheduler>;

/** The schedulers of this version, by the name the configuration calls them. */
export type SchedulerName = keyof typeof makers;

/** All of them. */
export const SCHEDULER_NAMES = Object.keys(makers) as readonly SchedulerName[];

/** @param seed for those that draw */
export function createScheduler(name: SchedulerName, seed: number): Scheduler {
  return makers[name](seed);
}

const WITHOUT_MAP: readonly SchedulerName[] = ['source-hash', 'maglev'];

/** Whether a scheduler always gives the same client the same server, so that nobody need remember. */
export function canBeStateless(name: SchedulerName): boolean {
  return WITHOUT_MAP.includes(name);
}
