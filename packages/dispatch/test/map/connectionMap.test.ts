import { describe, expect, it } from 'vitest';
import { Counter, COUNTER_CELLS } from '../../src/counters.js';
import { ConnectionKey, keyPorts, keyTag } from '../../src/map/connectionKey.js';
import { ConnectionMap } from '../../src/map/connectionMap.js';
import { type AddressFamily, ConnectionState, KEY_MASK, Word } from '../../src/map/connectionRecord.js';
import { defaultTimeouts, MAX_TIMEOUT_MS } from '../../src/map/timeouts.js';
import { randomOf } from '../random.js';

const { halfOpen, established, closing } = ConnectionState;
const TCP = keyTag(0, 6);
const UDP = keyTag(0, 17);
const FAMILIES: readonly AddressFamily[] = [4, 6];

function createMap(
  capacity: number,
  seed = 7,
  family: AddressFamily = 4,
): { map: ConnectionMap; counters: Float64Array } {
  const counters = new Float64Array(COUNTER_CELLS);
  return { map: new ConnectionMap({ capacity, seed, counters, family }), counters };
}

/** A key whose client has the number in the one place that an IPv4 one has, or spread over those of an IPv6 one. */
function keyOf(client: number, ports: number, tag: number, map: ConnectionMap): ConnectionKey {
  const key = new ConnectionKey();
  if (map.recordWords === Word.client + 1) key.setClient4(client);
  else key.setClient6(0x20010db8, client >> 20, (client >> 10) & 0x3ff, client & 0x3ff);
  key.ports = ports;
  key.tag = tag;
  return key;
}

const keyNumber = (n: number, tag: number, map: ConnectionMap): ConnectionKey =>
  keyOf(n, keyPorts(1024 + (n % 60_000), 80), tag, map);

/** Enters connection number `n` of a test. */
function add(map: ConnectionMap, n: number, state: ConnectionState, nowMs = 0, tag = TCP): number {
  return map.insert(keyNumber(n, tag, map), n % 3, state, nowMs);
}

function has(map: ConnectionMap, n: number, tag = TCP): boolean {
  return map.find(keyNumber(n, tag, map)) >= 0;
}

describe('memory', () => {
  it.each([1, 1000, 65_537, 1_048_576])('is bounded for each of %i connections', (capacity) => {
    for (const [family, bytes] of [
      [4, 48],
      [6, 60],
    ] as const) {
      const { map } = createMap(capacity, 7, family);
      const constantBytes = 16;
      expect(map.byteLength - constantBytes).toBeLessThanOrEqual(bytes * capacity);
      // All columns are counted: what else the map holds does not grow with its capacity.
      const sizeOf = ({ tally }: ConnectionMap): number =>
        tally.byState.byteLength + tally.byServer.byteLength;
      expect(sizeOf(map)).toBe(sizeOf(createMap(1).map));
    }
  });

  it.each(FAMILIES)('holds as many connections as it was made for, and finds each (IPv%i)', (family) => {
    const { map } = createMap(100_000, 7, family);
    for (let n = 0; n < 100_000; n++) expect(add(map, n, established)).toBeGreaterThanOrEqual(0);
    let found = 0;
    for (let n = 0; n < 100_000; n++) if (has(map, n)) found++;
    expect(found).toBe(100_000);
    expect(map.tally.byState[0]).toBe(100_000);
    expect(add(map, 100_000, halfOpen)).toBe(-1);
  });

  it('refuses what it cannot be', () => {
    for (const capacity of [0, -1, 1.5, Number.NaN, 2 ** 24 + 1]) {
      expect(() => createMap(capacity), String(capacity)).toThrow(RangeError);
    }
    for (const halfOpenMs of [0, Number.NaN, MAX_TIMEOUT_MS + 1]) {
      const options = { capacity: 1, seed: 1, counters: new Float64Array(COUNTER_CELLS) };
      expect(() => new ConnectionMap({ ...options, timeoutsMs: { halfOpenMs } })).toThrow(/halfOpenMs/);
    }
  });
});

describe('when full', () => {
  it('throws out the oldest half-open first, then the oldest closing, never an established one', () => {
    const { map, counters } = createMap(6);
    add(map, 1, closing);
    add(map, 2, halfOpen);
    add(map, 3, established);
    add(map, 4, halfOpen);
    add(map, 5, closing);
    add(map, 6, established);
    const gone: number[] = [];
    const noteGone = (): void => {
      for (const n of [1, 2, 3, 4, 5, 6]) if (!has(map, n) && !gone.includes(n)) gone.push(n);
    };
    for (let n = 10; n < 16; n++) {
      expect(add(map, n, established) >= 0, `connection ${n}`).toBe(n < 14);
      noteGone();
    }
    expect(gone).toEqual([2, 4, 1, 5]);
    expect(counters[Counter.evictedHalfOpen]).toBe(2);
    expect(counters[Counter.evictedClosing]).toBe(2);
    expect(Array.from(map.tally.byState)).toEqual([6, 0, 6, 0]);
  });

  it('takes a connection that became closing as younger than one that did before', () => {
    const { map } = createMap(3);
    const [a, b, c] = [1, 2, 3].map((n) => add(map, n, established));
    map.setState(b, closing);
    map.setState(a, closing);
    map.setState(c, closing);
    add(map, 4, established);
    expect([1, 2, 3].map((n) => has(map, n))).toEqual([true, false, true]);
    add(map, 5, established);
    expect([1, 2, 3].map((n) => has(map, n))).toEqual([false, false, true]);
  });

  it('a flood of half-open connections leaves the established ones alone', () => {
    const { map } = createMap(500);
    for (let n = 0; n < 400; n++) add(map, n, established);
    for (let n = 1000; n < 20_000; n++) expect(add(map, n, halfOpen)).toBeGreaterThanOrEqual(0);
    expect(Array.from({ length: 400 }, (_, n) => has(map, n)).every(Boolean)).toBe(true);
    expect(Array.from(map.tally.byState)).toEqual([500, 100, 400, 0]);
  });
});

describe('garbage collection', () => {
  it.each([
    ['half-open', halfOpen, TCP, defaultTimeouts.halfOpenMs],
    ['established', established, TCP, defaultTimeouts.establishedMs],
    ['closing', closing, TCP, defaultTimeouts.closingMs],
    ['UDP', established, UDP, defaultTimeouts.udpMs],
    ['half-open UDP', halfOpen, UDP, defaultTimeouts.udpHalfOpenMs],
  ] as const)('takes a %s connection after its timeout and not before', (_name, state, tag, timeoutMs) => {
    const { map, counters } = createMap(10);
    add(map, 1, state, 5000, tag);
    expect(map.collect(5000 + timeoutMs, 100)).toBe(0);
    expect(has(map, 1, tag)).toBe(true);
    expect(map.collect(5001 + timeoutMs, 100)).toBe(1);
    expect(has(map, 1, tag)).toBe(false);
    expect(Array.from(map.tally.byState)).toEqual([0, 0, 0, 0]);
    expect(counters[Counter.expired]).toBe(1);
  });

  it('counts from the last packet', () => {
    const { map } = createMap(10);
    const slot = add(map, 1, halfOpen, 0);
    map.touch(slot, 60, 50_000);
    expect(map.collect(50_000 + defaultTimeouts.halfOpenMs, 100)).toBe(0);
    expect(map.collect(50_001 + defaultTimeouts.halfOpenMs, 100)).toBe(1);
  });

  it('does as much as its budget says, and goes on where it stopped', () => {
    const { map } = createMap(1000);
    for (let n = 0; n < 1000; n++) add(map, n, halfOpen, n === 999 ? 0 : 1e6);
    expect(map.collect(1e6, 400)).toBe(0);
    expect(map.collect(1e6, 400)).toBe(0);
    expect(map.collect(1e6, 400)).toBe(1);
    // Taking out costs eight: 80 slots are ten connections.
    expect(map.collect(2e6, 1)).toBeLessThanOrEqual(1);
    const taken = Array.from({ length: 50 }, () => map.collect(2e6, 80));
    expect(Math.max(...taken)).toBe(10);
  });

  it('takes every expired connection within one round of budgets', () => {
    const { map } = createMap(1000);
    for (let n = 0; n < 1000; n++) add(map, n, halfOpen);
    let removed = 0;
    for (let spent = 0; spent <= 8000; spent += 400) removed += map.collect(1e6, 400);
    expect(removed).toBe(1000);
    expect(map.tally.byState[0]).toBe(0);
  });

  it('works across the wrap of 2^32 milliseconds, and with a clock that stood still or went back', () => {
    const { map } = createMap(10);
    const wrapMs = 2 ** 32;
    add(map, 1, halfOpen, wrapMs - 10);
    expect(map.collect(wrapMs + 1000, 100)).toBe(0);
    expect(map.collect(wrapMs - 5000, 100)).toBe(0);
    expect(map.collect(wrapMs + defaultTimeouts.halfOpenMs, 100)).toBe(1);
  });
});

describe('a record', () => {
  it('counts packets and bytes beyond 32 bits', () => {
    const { map } = createMap(1);
    const slot = add(map, 1, established);
    for (let i = 0; i < 3; i++) map.touch(slot, 0x60000000, 0);
    map.touch(slot, 0x7fffffff, 0);
    const word = (at: number): number => map.words[slot * map.recordWords + at] >>> 0;
    expect(word(Word.packets)).toBe(4);
    expect(word(Word.bytesHigh) * 2 ** 32 + word(Word.bytesLow)).toBe(3 * 0x60000000 + 0x7fffffff);
  });

  it('knows its server, and the server how many it has, through restart and removal', () => {
    const { map } = createMap(10);
    const slot = map.insert(keyOf(1, 2, TCP, map), 254, closing, 0);
    expect(map.serverOf(slot)).toBe(254);
    expect(map.tally.byServer[254]).toBe(1);
    map.restart(slot, 0, halfOpen, 5);
    expect([map.serverOf(slot), map.stateOf(slot)]).toEqual([0, halfOpen]);
    expect([map.tally.byServer[254], map.tally.byServer[0]]).toEqual([0, 1]);
    map.remove(slot);
    expect(map.tally.byServer[0]).toBe(0);
  });

  it('keeps the highest cluster, protocol, server and state apart', () => {
    const { map } = createMap(2);
    const tag = keyTag(254, 17);
    const key = keyOf(-1, -1, tag, map);
    const slot = map.insert(key, 254, closing, 0);
    expect(map.find(key)).toBe(slot);
    expect(map.find(keyOf(-1, -1, keyTag(254, 6), map))).toBe(-1);
    expect(map.find(keyOf(-1, -1, keyTag(253, 17), map))).toBe(-1);
    expect(map.words[slot * map.recordWords + Word.tag] & KEY_MASK).toBe(tag);
  });
});

describe('IPv6 clients', () => {
  it('are told apart by each word of their address', () => {
    const { map } = createMap(10, 7, 6);
    const words = [1, 2, 3, 4] as const;
    const keys = words.map((changed) => {
      const key = new ConnectionKey();
      key.setClient6(
        ...(words.map((word) => (word === changed ? -word : word)) as [number, number, number, number]),
      );
      key.ports = 5;
      key.tag = TCP;
      return key;
    });
    const slots = keys.map((key) => map.insert(key, 0, established, 0));
    expect(new Set(slots).size).toBe(4);
    expect(keys.map((key) => map.find(key))).toEqual(slots);
    map.remove(slots[1]);
    expect(keys.map((key) => map.find(key))).toEqual([slots[0], -1, slots[2], slots[3]]);
  });
});

/** What the map should hold, kept the simple way. */
interface Entry {
  state: ConnectionState;
  server: number;
  entered: number;
}

const STATES = [halfOpen, established, closing];
const SERVERS = 5;
const KEYS = 96;

/** A map and its model, and operations that must come out alike in both. */
class Pair {
  readonly map: ConnectionMap;
  readonly entries = new Map<number, Entry>();
  private readonly keys: readonly ConnectionKey[];
  private readonly capacity: number;
  private steps = 0;

  constructor(capacity: number, family: AddressFamily, seed: number) {
    this.capacity = capacity;
    this.map = createMap(capacity, seed, family).map;
    this.keys = Array.from({ length: KEYS }, (_, n) =>
      keyOf((n % 12) << 19, (n >> 2) % 4, n % 2 === 0 ? TCP : UDP, this.map),
    );
    expect(new Set(this.keys.map((key) => JSON.stringify(key))).size).toBe(
      new Set(this.keys.map(nameOf)).size,
    );
  }

  /** One operation; what is wrong about it, if anything. */
  step(random: (below: number) => number): string | undefined {
    const { map, entries } = this;
    const key = this.keys[random(KEYS)];
    const name = nameOf(key);
    const state = STATES[random(3)];
    const server = random(SERVERS);
    const slot = map.find(key);
    const entry = entries.get(name);
    this.steps++;
    if (slot >= 0 !== (entry !== undefined)) return 'found, or not';
    if (entry === undefined) return random(3) > 0 ? this.insert(key, name, server, state) : undefined;
    if (map.stateOf(slot) !== entry.state || map.serverOf(slot) !== entry.server)
      return 'another state or server';
    switch (random(4)) {
      case 0:
        map.remove(slot);
        entries.delete(name);
        break;
      case 1:
        map.setState(slot, state);
        Object.assign(entry, { state, entered: this.steps });
        break;
      case 2:
        map.restart(slot, server, state, 0);
        Object.assign(entry, { state, server, entered: this.steps });
        break;
    }
    return map.tally.byState[0] === entries.size ? undefined : 'another number of connections';
  }

  /** What is wrong about the counts by state and by server. */
  checkCounts(): void {
    const all = [...this.entries.values()];
    const { byState, byServer } = this.map.tally;
    expect([...byState]).toEqual([
      all.length,
      ...STATES.map((state) => all.filter((e) => e.state === state).length),
    ]);
    for (let server = 0; server < SERVERS; server++) {
      expect(byServer[server]).toBe(all.filter((entry) => entry.server === server).length);
    }
  }

  private insert(
    key: ConnectionKey,
    name: number,
    server: number,
    state: ConnectionState,
  ): string | undefined {
    const { entries } = this;
    if (entries.size === this.capacity) {
      const victim = this.oldest(halfOpen) ?? this.oldest(closing);
      if (victim !== undefined) entries.delete(victim);
    }
    const fits = entries.size < this.capacity;
    if (this.map.insert(key, server, state, 0) >= 0 !== fits) return 'entered, or not';
    if (fits) entries.set(name, { state, server, entered: this.steps });
    return undefined;
  }

  private oldest(state: ConnectionState): number | undefined {
    let best: number | undefined;
    let entered = Infinity;
    for (const [name, entry] of this.entries) {
      if (entry.state !== state || entry.entered >= entered) continue;
      best = name;
      entered = entry.entered;
    }
    return best;
  }
}

function nameOf(key: ConnectionKey): number {
  return (
    (key.client0 + key.client1 * 7 + key.client2 * 31) * 1000 + key.ports * 10 + (key.tag === TCP ? 0 : 1)
  );
}

describe('the map agrees with a simple model', () => {
  it.each(FAMILIES)(
    'over half a million random operations, in a map that is mostly full (IPv%i)',
    (family) => {
      const random = randomOf(family * 7919);
      let done = 0;
      let wrong: string | undefined;
      for (let run = 0; run < 50 && wrong === undefined; run++) {
        const pair = new Pair(1 + random(60), family, random(1000));
        for (let n = 0; n < 10_000 && wrong === undefined; n++, done++) wrong = pair.step(random);
        pair.checkCounts();
      }
      expect({ wrong, done }).toEqual({ wrong: undefined, done: 500_000 });
    },
    600_000,
  );
});
