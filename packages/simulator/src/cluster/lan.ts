import type { EventQueue } from '../eventQueue.js';
import type { Random } from '../random.js';
import type { Weather } from '../scenario/scenario.js';
import { CLEAR_SKY } from '../scenario/scenario.js';

/** Propagation and queueing of a healthy LAN. */
const LATENCY_MS = { from: 0.05, to: 0.25 };
/** A duplicate comes this much later at most. */
const DUPLICATE_LAG_MS = 5;

/**
 * What lies between the hosts: who can hear whom, and what becomes of a packet on the way. Directions are independent,
 * faults overlap; a pair that several faults separate hears again when the last one is over.
 */
export class Lan {
  private readonly queue: EventQueue;
  private readonly random: Random;
  private readonly hosts: number;
  private readonly blocks: Uint16Array;
  private readonly storms: Weather[] = [];
  private base: Weather = CLEAR_SKY;
  private weather: Weather = CLEAR_SKY;
  /** Packets that were lost, cut off, doubled or damaged on purpose. */
  readonly counts = { sent: 0, lost: 0, blocked: 0, duplicated: 0, reordered: 0, corrupted: 0 };

  constructor(queue: EventQueue, random: Random, hosts: number) {
    this.queue = queue;
    this.random = random;
    this.hosts = hosts;
    this.blocks = new Uint16Array(hosts * hosts);
  }

  setBase(weather: Weather): void {
    this.base = weather;
    this.mix();
  }

  /** Adds a storm to the base weather; the returned function ends it. */
  addStorm(weather: Weather): () => void {
    this.storms.push(weather);
    this.mix();
    return () => {
      this.storms.splice(this.storms.indexOf(weather), 1);
      this.mix();
    };
  }

  /** `from` cannot be heard by `to` until the returned function is called. */
  block(from: number, to: number): () => void {
    const pair = from * this.hosts + to;
    this.blocks[pair]++;
    return () => void this.blocks[pair]--;
  }

  /** Added to every packet at present. */
  get delayMs(): number {
    return this.weather.delayMs;
  }

  get lossNow(): number {
    return this.weather.loss;
  }

  hears(from: number, to: number): boolean {
    return this.blocks[from * this.hosts + to] === 0;
  }

  /** Brings `bytes` to `arrive`, later, perhaps, perhaps twice. */
  carry(
    nowMs: number,
    from: number,
    to: number,
    bytes: Uint8Array,
    arrive: (bytes: Uint8Array) => void,
  ): void {
    const { counts, random, weather } = this;
    counts.sent++;
    if (!this.hears(from, to)) {
      counts.blocked++;
      return;
    }
    if (random.chance(weather.loss)) {
      counts.lost++;
      return;
    }
    let delayMs = random.between(LATENCY_MS.from, LATENCY_MS.to) + weather.delayMs;
    if (random.chance(weather.reorder)) {
      counts.reordered++;
      delayMs += random.between(0, weather.reorderMs);
    }
    const arriving = random.chance(weather.corrupt) ? this.damage(bytes) : bytes;
    this.queue.push(nowMs + delayMs, () => arrive(arriving));
    if (!random.chance(weather.duplicate)) return;
    counts.duplicated++;
    this.queue.push(nowMs + delayMs + random.between(0, DUPLICATE_LAG_MS), () => arrive(arriving));
  }

  private damage(bytes: Uint8Array): Uint8Array {
    this.counts.corrupted++;
    const { random } = this;
    if (bytes.length === 0) return bytes;
    if (random.chance(0.3)) return bytes.slice(0, random.whole(0, bytes.length - 1));
    const damaged = bytes.slice();
    const at = random.whole(0, bytes.length - 1);
    damaged[at] = (damaged[at] as number) ^ (1 << random.whole(0, 7));
    return damaged;
  }

  private mix(): void {
    let mixed = this.base;
    for (const storm of this.storms) {
      mixed = {
        loss: Math.max(mixed.loss, storm.loss),
        duplicate: Math.max(mixed.duplicate, storm.duplicate),
        reorder: Math.max(mixed.reorder, storm.reorder),
        reorderMs: Math.max(mixed.reorderMs, storm.reorderMs),
        corrupt: Math.max(mixed.corrupt, storm.corrupt),
        delayMs: mixed.delayMs + storm.delayMs,
      };
    }
    this.weather = mixed;
  }
}
