import type { SessionResult } from '@ringmaster/ring';
import type { Datagram } from '../cluster/datagram.js';
import type { Station } from '../cluster/station.js';
import type { Observer, Sender, World } from '../cluster/world.js';
import type { Judge } from './checks.js';

/**
 * Invariant 6, under a key: what a member believes was sealed by the one that it takes for the sender, just so, is heard
 * for the first time, and is not from a life that this member knows to be over. (That nothing throws is seen by `run`.)
 */
export class Authenticity implements Observer {
  private readonly world: World;
  private readonly judge: Judge;
  /** By sender and counter: who has believed the packet. */
  private readonly hearers = new Map<Sender, Hearers[]>();
  /** By station that has had several lives, and hearer: the latest of them that it has believed. */
  private readonly latest = new Map<Station, Map<number, number>>();

  constructor(world: World, judge: Judge) {
    this.world = world;
    this.judge = judge;
  }

  opened(station: Station, datagram: Datagram, { deliver }: SessionResult): void {
    if (!deliver) return;
    const { envelope } = datagram;
    const sender = envelope && this.world.senders.get(envelope.epoch);
    if (!envelope || !sender || sender.station.address !== deliver.from) {
      this.judge.fail(6, `${station.name} believes a packet of nobody`);
      return;
    }
    const { name } = sender.station;
    if (sender.sealed[envelope.counter] !== datagram.fingerprint)
      this.judge.fail(6, `${station.name} believes a packet that ${name} never sent`);
    if (!this.hearersOf(sender, envelope.counter).add(station))
      this.judge.fail(6, `${station.name} believes a packet of ${name} twice`);
    // While there is only one life, none can be over.
    if (sender.station.life > 1 && this.latestHeard(station, sender) > sender.life)
      this.judge.fail(6, `${station.name} believes a packet of an earlier life of ${name}`);
  }

  private hearersOf(sender: Sender, counter: number): Hearers {
    let packets = this.hearers.get(sender);
    if (!packets) this.hearers.set(sender, (packets = []));
    return (packets[counter] ??= new Hearers());
  }

  /** The latest life that `station` has believed, this one included. */
  private latestHeard(station: Station, { station: other, life }: Sender): number {
    let byHearer = this.latest.get(other);
    if (!byHearer) this.latest.set(other, (byHearer = new Map<number, number>()));
    const hearer = hearerOf(station);
    const latest = Math.max(life, byHearer.get(hearer) ?? 1);
    byHearer.set(hearer, latest);
    return latest;
  }
}

const MAX_STATIONS = 256;

/** A restarted process has heard nothing. */
function hearerOf({ index, life }: Station): number {
  return index + life * MAX_STATIONS;
}

/** A set of hearers; a bit for each in its first life, for a broadcast has many. */
class Hearers {
  private readonly first = new Int32Array(MAX_STATIONS / 32);
  private later: Set<number> | undefined;

  /** False: it was in the set already. */
  add(station: Station): boolean {
    if (station.life > 1) {
      this.later ??= new Set();
      const { size } = this.later;
      return this.later.add(hearerOf(station)).size > size;
    }
    const word = station.index >> 5;
    const bit = 1 << (station.index & 31);
    const before = this.first[word] as number;
    this.first[word] = before | bit;
    return (before & bit) === 0;
  }
}
