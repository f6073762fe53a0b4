import type { SessionResult } from '@ringmaster/ring';
import { decodeEnvelope } from '@ringmaster/ring';
import type { Station } from '../cluster/station.js';
import type { Observer, World } from '../cluster/world.js';
import type { Judge } from './checks.js';

/**
 * Invariant 6, under a key: what a member believes was sealed by the one that it takes for the sender, just so, is heard
 * for the first time, and is not from a life that this member knows to be over. (That nothing throws is seen by `run`.)
 */
export class Authenticity implements Observer {
  private readonly world: World;
  private readonly judge: Judge;
  /** Packets believed so far, by receiver's life. */
  private readonly believed = new Map<string, Set<string>>();

  constructor(world: World, judge: Judge) {
    this.world = world;
    this.judge = judge;
  }

  opened(station: Station, bytes: Uint8Array, result: SessionResult): void {
    const { deliver } = result;
    if (!deliver) return;
    const envelope = decodeEnvelope(bytes);
    const sender = envelope && this.world.senders.get(envelope.epoch);
    if (!envelope || !sender || sender.station.address !== deliver.from) {
      this.judge.fail(6, `${station.name} believes a packet of nobody`);
      return;
    }
    if (!this.world.wasSealed(envelope.epoch, envelope.counter, bytes))
      this.judge.fail(6, `${station.name} believes a packet that ${sender.station.name} never sent`);
    const seen = this.seenBy(station);
    const name = `${envelope.epoch}/${envelope.counter}`;
    if (seen.has(name))
      this.judge.fail(6, `${station.name} believes a packet of ${sender.station.name} twice`);
    seen.add(name);
    const latest = `latest ${sender.station.index} ${sender.life}`;
    if (seen.has(`over ${sender.station.index} ${sender.life}`))
      this.judge.fail(6, `${station.name} believes a packet of an earlier life of ${sender.station.name}`);
    if (seen.has(latest)) return;
    seen.add(latest);
    for (let life = 1; life < sender.life; life++) seen.add(`over ${sender.station.index} ${life}`);
  }

  private seenBy(station: Station): Set<string> {
    const key = `${station.index} ${station.life}`;
    let seen = this.believed.get(key);
    if (!seen) this.believed.set(key, (seen = new Set()));
    return seen;
  }
}
