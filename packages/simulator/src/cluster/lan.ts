import type { EventQueue, Happening } from '../eventQueue.js';
import type { Random } from '../random.js';
import type { Weather } from '../scenario/scenario.js';
import { CLEAR_SKY } from '../scenario/scenario.js';

/** Propagation and queueing of a healthy LAN. */
const LATENCY_MS = { from: 0.05, to: 0.25 };
/** A duplicate comes this much later at most. */
const DUPLICATE_LAG_MS = 5;

/** What happens when a packet has come to where it was sent. */
export interface Arrival extends Happening {
  /** The same with other bytes; absent: bytes do not matter. */
  damaged?(damage: (bytes: Uint8Array) => Uint8Array): Happening;
}

/**
 * What lies between the hosts: who can hear whom, and what becomes of a packet on the way. Directions are independent,
 * faults overlap; a pair that several faults separate hears again when the last one is over.
 */
export class Lan {
  private readonly queue: EventQueue;
  private readonly random: Random;
  private readonly hosts: number;
  private readonly blocks: Uint16Array;
  /** How many of these are set, by sender. */
  private readonly blocksFrom: Uint32Array;
  private readonly storms: Weather[] = [];
  private base: Weather = CLEAR_SKY;
  private weather: Weather = CLEAR_SKY;
  /** Packets that were lost, cut off, doubled or damaged on purpose. */
  readonly counts = { sent: 0, lost: 0, blocked: 0, duplicated: 0, reordered: 0, corrupted: 0 };

  /** When all that was sent so far has arrived. */
  latestArrivalMs = 0;

  constructor(queue: EventQueue, random: Random, hosts: number) {
    this.queue = queue;
    this.random = random;
    this.hosts = hosts;
    this.blocks = new Uint16Array(hosts * hosts);
    this.blocksFrom = new Uint32Array(hosts);
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
    this.blocksFrom[from]++;
    return () => {
      this.blocks[pair]--;
      this.blocksFrom[from]--;
    };
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

  /** Lets `arrival` happen, later, perhaps, perhaps twice. */
  carry(nowMs: number, from: number, to: number, arrival: Arrival): void {
    const { counts, random, weather, queue } = this;
    counts.sent++;
    if (!this.reaches(from, to)) return;
    let delayMs = random.between(LATENCY_MS.from, LATENCY_MS.to) + weather.delayMs;
    if (random.chance(weather.reorder)) {
      counts.reordered++;
      delayMs += random.between(0, weather.reorderMs);
    }
    let arriving: Happening = arrival;
    if (random.chance(weather.corrupt))
      arriving = arrival.damaged?.((bytes) => this.damage(bytes)) ?? arrival;
    this.latestArrivalMs = Math.max(this.latestArrivalMs, nowMs + delayMs);
    queue.add(nowMs + delayMs, arriving);
    if (!random.chance(weather.duplicate)) return;
    counts.duplicated++;
    queue.add(nowMs + delayMs + random.between(0, DUPLICATE_LAG_MS), arriving);
  }

  /** Whether all that is sent comes about in order, once and whole, if it comes about. */
  get orderly(): boolean {
    const { reorder, corrupt, duplicate } = this.weather;
    return reorder === 0 && corrupt === 0 && duplicate === 0;
  }

  /**
   * As `carry` for a broadcast in orderly weather: those of `group` (their hosts' numbers are `index`) that are reached
   * hear it at the same moment.
   */
  flood<T extends { readonly index: number }>(
    nowMs: number,
    from: number,
    group: readonly T[],
    arrival: (reached: readonly T[]) => Happening,
  ): void {
    const { counts, random, weather, queue } = this;
    counts.sent += group.length;
    const delayMs = random.between(LATENCY_MS.from, LATENCY_MS.to) + weather.delayMs;
    const all = weather.loss === 0 && this.blocksFrom[from] === 0;
    const reached = all ? group : group.filter(({ index }) => this.reaches(from, index));
    if (reached.length > 0) queue.add(nowMs + delayMs, arrival(reached));
  }

  private reaches(from: number, to: number): boolean {
    if (!this.hears(from, to)) this.counts.blocked++;
    else if (this.random.chance(this.weather.loss)) this.counts.lost++;
    else return true;
    return false;
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
