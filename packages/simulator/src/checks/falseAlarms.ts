import type { Effect, Input } from '@ringmaster/ring';
import type { Station } from '../cluster/station.js';
import type { Observer, World } from '../cluster/world.js';
import type { Judge } from './checks.js';

/** Invariant 4: no purge happens without a fault, a join or a leave, at the stated loss rate and pause length. */
export class FalseAlarms implements Observer {
  private readonly world: World;
  private readonly judge: Judge;
  /** Repairs and purges begun, as of each station's latest step. */
  private readonly accusations: number[] = [];

  constructor(world: World, judge: Judge) {
    this.world = world;
    this.judge = judge;
  }

  stepped(station: Station, input: Input, effects: readonly Effect[]): void {
    this.checkSleeper(station, input);
    if (!this.world.calm) return;
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

  /** R14: a member whose timer fired late by more than two heartbeat intervals accuses nobody in that step. */
  private checkSleeper(station: Station, input: Input): void {
    const { counters, config } = station.state;
    const accusations = counters.purges + counters.repairs;
    const before = this.accusations[station.index] ?? 0;
    this.accusations[station.index] = accusations;
    const late =
      input.kind === 'timer' &&
      input.timer === 'tick' &&
      input.nowMs - input.dueMs > 2 * config.heartbeatIntervalMs;
    if (late && accusations > before) this.judge.fail(4, `${station.name} was paused and accuses another`);
  }
}
