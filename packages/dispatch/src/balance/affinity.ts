import type { ConnectionKey } from '../map/connectionKey.js';
import { halfSipHash3, mix32 } from '../map/halfSipHash.js';
import type { ServerSet } from '../serverSet.js';

/** Which clients belong together, and for how long. */
export interface AffinityOptions {
  /** Leading bits of an IPv4 address that name a network, 0 to 32. */
  readonly prefix4: number;
  /** Leading bits of an IPv6 address that name a network, 0 to 128. */
  readonly prefix6: number;
  /** For how long after its last new connection a network stays with its server. */
  readonly timeoutMs: number;
  /** Keys the hash, as that of the connection map is keyed. */
  readonly seed: number;
}

/** Networks that are remembered; 9 bytes each. */
export const AFFINITY_NETWORKS = 65_536;
/** Places that a network may have: of so many, the one that was not used for longest makes room. */
const WAYS = 8;
const SETS = AFFINITY_NETWORKS / WAYS;
/** No server slot: these end at 254. */
const NOBODY = 0xff;

/**
 * Clients of one network stay with one server: which one, for how long after their last new connection. A table of fixed
 * size in typed arrays; a lookup looks at eight places, nothing has to be collected.
 *
 * Networks are known by a keyed hash of 32 bits. Should two meet in it, they have one server together, and nothing else.
 */
export class Affinity {
  private readonly options: AffinityOptions;
  private readonly key0: number;
  private readonly key1: number;
  /** By place: the hash of the network, its server's slot, and when it last opened a connection. */
  private readonly hashes = new Int32Array(AFFINITY_NETWORKS);
  private readonly slots = new Uint8Array(AFFINITY_NETWORKS).fill(NOBODY);
  private readonly usedMs = new Int32Array(AFFINITY_NETWORKS);

  constructor(options: AffinityOptions) {
    this.options = options;
    this.key0 = mix32(options.seed ^ 0x41464649);
    this.key1 = mix32(Math.floor(options.seed / 2 ** 32) ^ this.key0);
  }

  /** What the network of a connection's client is known by. */
  networkOf({ client0, client1, client2, client3 }: ConnectionKey, family: 4 | 6): number {
    return family === 4 ? this.network4(client0) : this.network6(client0, client1, client2, client3);
  }

  /** What the network of an IPv4 client is known by. @param client its address, signed or not */
  network4(client: number): number {
    return halfSipHash3(this.key0, this.key1, client & maskOf(this.options.prefix4), 4, 0);
  }

  /** What the network of an IPv6 client is known by. Its address as four big-endian words, most significant first. */
  network6(word0: number, word1: number, word2: number, word3: number): number {
    const { prefix6 } = this.options;
    const upper = halfSipHash3(
      this.key0,
      this.key1,
      word0 & maskOf(prefix6),
      word1 & maskOf(prefix6 - 32),
      6,
    );
    return halfSipHash3(
      this.key0,
      this.key1,
      word2 & maskOf(prefix6 - 64),
      word3 & maskOf(prefix6 - 96),
      upper,
    );
  }

  /** The server slot of a network, or -1: it has none, was silent for too long, or its server takes no connections. */
  find(network: number, servers: ServerSet, nowMs: number): number {
    const place = this.placeOf(network);
    if (place < 0 || this.isOver(place, nowMs)) return -1;
    const slot = this.slots[place];
    return servers.isEligible(slot) ? slot : -1;
  }

  /** A connection of the network was given to a server. */
  note(network: number, slot: number, nowMs: number): void {
    let place = this.placeOf(network);
    if (place < 0) place = this.roomFor(network, nowMs);
    this.hashes[place] = network;
    this.slots[place] = slot;
    this.usedMs[place] = nowMs | 0;
  }

  /** A server has reported a connection of the network: that counts unless something newer is known. */
  learn(network: number, slot: number, nowMs: number): void {
    const place = this.placeOf(network);
    if (place < 0 || this.isOver(place, nowMs)) this.note(network, slot, nowMs);
  }

  private placeOf(network: number): number {
    const from = firstPlace(network);
    for (let place = from; place < from + WAYS; place++) {
      if (this.hashes[place] === network && this.slots[place] !== NOBODY) return place;
    }
    return -1;
  }

  /** A place that is free, or else the one that was used least lately. */
  private roomFor(network: number, nowMs: number): number {
    const from = firstPlace(network);
    let oldest = from;
    for (let place = from; place < from + WAYS; place++) {
      if (this.slots[place] === NOBODY) return place;
      if (this.ageOf(place, nowMs) > this.ageOf(oldest, nowMs)) oldest = place;
    }
    return oldest;
  }

  private isOver(place: number, nowMs: number): boolean {
    return this.ageOf(place, nowMs) > this.options.timeoutMs;
  }

  private ageOf(place: number, nowMs: number): number {
    return ((nowMs | 0) - this.usedMs[place]) >>> 0;
  }
}

function firstPlace(network: number): number {
  return (network & (SETS - 1)) * WAYS;
}

/** The mask of a prefix within one word: negative lengths leave nothing, more than 32 everything. */
function maskOf(prefix: number): number {
  if (prefix <= 0) return 0;
  return prefix >= 32 ? -1 : -1 << (32 - prefix);
}
