import type { Effect, Input } from '@ringmaster/ring';
import type { Station } from '../cluster/station.js';
import type { Observer, World } from '../cluster/world.js';
import type { Judge } from './checks.js';

/** Invariant 4: no purge happens without a fault, a join or a leave, at the stated loss rate and pause length. */
export class FalseAlarms implements Observer {
  private readonly world: World;
  private readonly judge: Judge;

  constructor(world: World, judge: Judge) {
    this.world = world;
    this.judge = judge;
  }

  stepped(station: Station, _input: Input, effects: readonly Effect[]): void {
    if (this.world.nowMs < this.world.scenario.settledMs) return;
    for (const effect of effects) {
      if (effect.kind === 'phaseChanged' || effect.kind === 'roleChanged')
        this.judge.fail(4, `${station.name} ${effect.kind} without a fault: ${effect.reason}`);
      if (effect.kind === 'membershipChanged' && effect.change !== 'forgotten' && effect.change !== 'updated')
        this.judge.fail(
          4,
          `${station.name} sees a member ${effect.change} without a fault: ${effect.reason}`,
        );
    }
  }
}
