import type { Effect, Input } from '@ringmaster/ring';
import type { Station } from '../cluster/station.js';
import type { Observer, World } from '../cluster/world.js';
import { disagreement } from './agreement.js';
import type { Judge } from './checks.js';

/** How finely the time of convergence is measured; in large clusters, where a look takes its time, less finely. */
const SAMPLE_MS = 5;
const SAMPLE_PER_NODE_MS = 0.5;

/** Effects with which nothing changes that agreement is about; what changes without any is seen when it is judged. */
const SAYS_NOTHING: ReadonlySet<Effect['kind']> = new Set(['send', 'broadcast', 'setTimer', 'application']);

/**
 * Invariant 1: a bounded time after the last fault there is one ring and one dispatcher in each component. Looks after
 * every change that could matter, and judges when the bound has passed.
 */
export class ConvergenceCheck implements Observer {
  /** How long after the end of the faults the components agreed for good; `undefined`: they do not, so far. */
  convergedAfterMs: number | undefined;
  private readonly world: World;
  private readonly judge: Judge;
  private changed = true;
  private lastLookMs = 0;
  private readonly quietMs: number;

  constructor(world: World, judge: Judge) {
    this.world = world;
    this.judge = judge;
    world.at(world.scenario.stormEndMs + SAMPLE_MS, () => this.look());
    world.at(world.scenario.settledMs, () => this.decide());
    this.quietMs = world.scenario.quietMs ?? Infinity;
  }

  stepped(_station: Station, _input: Input, effects: readonly Effect[]): void {
    const { world } = this;
    if (world.calm || world.nowMs < world.scenario.stormEndMs) return;
    for (const { kind } of effects) if (!SAYS_NOTHING.has(kind)) this.changed = true;
    if (this.quietSince(world.nowMs - this.quietMs)) return this.decide();
    if (!this.changed || world.nowMs - this.lastLookMs < this.sampleMs) return;
    this.lastLookMs = world.nowMs;
    this.look();
  }

  private get sampleMs(): number {
    return Math.max(SAMPLE_MS, SAMPLE_PER_NODE_MS * this.world.stations.length);
  }

  private look(): string | undefined {
    const { world } = this;
    const problem = disagreementOf(world);
    this.changed = problem !== undefined;
    if (problem !== undefined) this.convergedAfterMs = undefined;
    else this.convergedAfterMs ??= world.nowMs - world.scenario.stormEndMs;
    return problem;
  }

  private quietSince(sinceMs: number): boolean {
    const { world, convergedAfterMs } = this;
    if (world.calm || convergedAfterMs === undefined) return false;
    return world.scenario.stormEndMs + convergedAfterMs < sinceMs;
  }

  private decide(): void {
    const { world } = this;
    if (world.calm) return;
    const problem = this.look();
    const due = world.nowMs >= world.scenario.settledMs;
    if (problem !== undefined && due) this.judge.fail(1, problem);
    if (problem === undefined || due) world.becalm();
  }
}

/** What still is not as it should be, in whichever component; `undefined`: nothing. */
function disagreementOf(world: World): string | undefined {
  const sides = world.scenario.lastingSides;
  const components = new Map<number, Station[]>();
  for (const station of world.stations) {
    if (!station.running) continue;
    const side = sides?.[station.index] ?? 0;
    components.set(side, [...(components.get(side) ?? []), station]);
  }
  for (const component of components.values()) {
    const problem = disagreement(component);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
