import { LeastConnections } from './leastConnections.js';
import { Maglev } from './maglev.js';
import { RoundRobin } from './roundRobin.js';
import type { Scheduler } from './scheduler.js';
import { SourceHash } from './sourceHash.js';
import { TwoRandomChoices } from './twoRandomChoices.js';
import { WeightedRoundRobin } from './weightedRoundRobin.js';

/** How a scheduler begins. */
export interface SchedulerStart {
  /** For those that draw. */
  readonly seed: number;
  /**
   * Whose turn it is first, for those that take turns: several dispatchers of a node, each with some of the clients, would
   * else all begin with the same server. Default 0.
   */
  readonly firstTurn?: number;
}

const makers = {
  'round-robin': ({ firstTurn }) => new RoundRobin(firstTurn),
  'weighted-round-robin': ({ firstTurn }) => new WeightedRoundRobin(false, firstTurn),
  'least-connections': ({ firstTurn }) => new LeastConnections(false, firstTurn),
  'weighted-least-connections': ({ firstTurn }) => new LeastConnections(true, firstTurn),
  'source-hash': () => new SourceHash(),
  maglev: () => new Maglev(),
  'two-random-choices': ({ seed }) => new TwoRandomChoices(seed),
  'load-aware': ({ firstTurn }) => new WeightedRoundRobin(true, firstTurn),
} satisfies Record<string, (start: SchedulerStart) => Scheduler>;

/** The schedulers of this version, by the name the configuration calls them. */
export type SchedulerName = keyof typeof makers;

/** All of them. */
export const SCHEDULER_NAMES = Object.keys(makers) as readonly SchedulerName[];

/** A new one, which has chosen nobody yet. */
export function createScheduler(name: SchedulerName, start: SchedulerStart): Scheduler {
  return makers[name](start);
}

const WITHOUT_MAP: readonly SchedulerName[] = ['source-hash', 'maglev'];

/** Whether a scheduler always gives the same client the same server, so that nobody need remember. */
export function canBeStateless(name: SchedulerName): boolean {
  return WITHOUT_MAP.includes(name);
}
