import type { Address, Input } from '@ringmaster/ring';
import { ID_NONE } from '@ringmaster/ring';
import type { Station } from '../cluster/station.js';
import type { Observer } from '../cluster/world.js';
import type { Judge } from './checks.js';

/** Invariant 2: ids are unique within a ring and are never given out twice for one creation time. */
export class UniqueIds implements Observer {
  private readonly judge: Judge;
  /** By creation time and id: who has had it. */
  private readonly owners = new Map<number, Address>();
  /** What was looked at last, by station: it hardly ever changes. */
  private readonly ids: number[] = [];
  private readonly rings: number[] = [];

  constructor(judge: Judge) {
    this.judge = judge;
  }

  stepped(station: Station, _input: Input): void {
    const { id, idRing, phase } = station.state;
    if (id === ID_NONE || phase !== 'member') return;
    const { index } = station;
    if (this.ids[index] === id && this.rings[index] === idRing) return;
    this.ids[index] = id;
    this.rings[index] = idRing;
    // A creation time has 48 bits and 8 of the founder; the ids are 8 bits more.
    const key = (idRing % 2 ** 40) * 256 + id;
    const owner = this.owners.get(key);
    if (owner === station.address) return;
    if (owner === undefined) this.owners.set(key, station.address);
    else this.judge.fail(2, `id ${id} of ring ${idRing} is ${station.name}'s, and was another's`);
  }
}
