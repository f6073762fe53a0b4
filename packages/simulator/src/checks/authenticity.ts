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
  private readonly heard = new Map<Station, Heard>();

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
    const heard = this.heardBy(station);
    const counters = heard.counters.get(sender) ?? new Set();
    if (counters.size === 0) heard.counters.set(sender, counters);
    if (counters.has(envelope.counter))
      this.judge.fail(6, `${station.name} believes a packet of ${name} twice`);
    counters.add(envelope.counter);
    const latest = heard.latestLife.get(sender.station) ?? 0;
    if (sender.life < latest)
      this.judge.fail(6, `${station.name} believes a packet of an earlier life of ${name}`);
    else if (sender.life > latest) heard.latestLife.set(sender.station, sender.life);
  }

  private heardBy(station: Station): Heard {
    let heard = this.heard.get(station);
    if (heard?.life !== station.life) {
      heard = { life: station.life, counters: new Map(), latestLife: new Map() };
      this.heard.set(station, heard);
    }
    return heard;
  }
}

/** What a station has believed in this life of its process. */
interface Heard {
  readonly life: number;
  readonly counters: Map<Sender, Set<number>>;
  /** The latest life of each other that it has heard. */
  readonly latestLife: Map<Station, number>;
}
