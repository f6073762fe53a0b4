import type { TimerName } from '@ringmaster/ring';
import type { Happening } from '../eventQueue.js';
import type { Station } from './station.js';

/** A timer of a process, in one of its lives. */
export class Timer implements Happening {
  readonly name: TimerName;
  readonly dueMs: number;
  readonly life: number;
  private readonly station: Station;

  constructor(station: Station, name: TimerName, dueMs: number, life: number) {
    this.station = station;
    this.name = name;
    this.dueMs = dueMs;
    this.life = life;
  }

  run(): void {
    this.station.expire(this);
  }
}
