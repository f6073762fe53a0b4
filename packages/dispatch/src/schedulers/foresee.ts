import type { ServerSet } from '../serverSet.js';
import type { Scheduler } from './scheduler.js';

/**
 * What a scheduler would choose now, without its noticing: a copy of it is asked. Schedulers keep numbers and typed arrays,
 * so a copy of these is a copy of the scheduler.
 */
export function foresee(scheduler: Scheduler, servers: ServerSet, client: number): number {
  const copy = Object.create(Object.getPrototypeOf(scheduler) as object) as Scheduler;
  for (const [name, value] of Object.entries(scheduler)) {
    const own = ArrayBuffer.isView(value) ? (value as Uint8Array).slice() : (value as unknown);
    Object.defineProperty(copy, name, { value: own, writable: true });
  }
  return copy.choose(servers, client);
}
