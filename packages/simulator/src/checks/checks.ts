import type { Observer, World } from '../cluster/world.js';
import { Authenticity } from './authenticity.js';
import { Circulation } from './circulation.js';
import { ConvergenceCheck } from './convergence.js';
import { FalseAlarms } from './falseAlarms.js';
import { KnownConnections } from './knownConnections.js';
import { UniqueIds } from './uniqueIds.js';

/** Numbered as in the protocol's list of invariants. */
export interface Violation {
  readonly invariant: number;
  readonly atMs: number;
  readonly what: string;
}

/** Where the checks report to. */
export class Judge {
  readonly violations: Violation[] = [];
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  fail(invariant: number, what: string): void {
    const atMs = Math.round(this.world.nowMs * 10) / 10;
    if (this.violations.length < 10) this.violations.push({ invariant, atMs, what });
    this.world.note(`INVARIANT ${invariant} FELL: ${what}`);
  }
}

export interface CheckSet {
  readonly judge: Judge;
  readonly convergence: ConvergenceCheck;
}

/** Sets every invariant up to be checked after every event. */
export function watchInvariants(world: World): CheckSet {
  const judge = new Judge(world);
  const convergence = new ConvergenceCheck(world, judge);
  const observers: Observer[] = [
    new UniqueIds(judge),
    new Circulation(judge),
    new FalseAlarms(world, judge),
    new KnownConnections(world, judge),
    ...(world.scenario.sealed ? [new Authenticity(world, judge)] : []),
    convergence,
  ];
  world.observers.push(...observers);
  return { judge, convergence };
}
