/**
 * The connection map with a million connections, by hand: `node packages/dispatch/bench/map.mjs [--json]` after a build, or
 * `npm run bench -- --map`. What a connection weighs, what finding and entering one costs at several loads, and how long the
 * longest piece of garbage collection takes.
 */
import { COUNTER_CELLS } from '../dist/counters.js';
import { ConnectionKey, keyPorts, keyTag } from '../dist/map/connectionKey.js';
import { ConnectionMap } from '../dist/map/connectionMap.js';
import { ConnectionState } from '../dist/map/connectionRecord.js';

const CAPACITY = 1_000_000;
const LOADS = [0.01, 0.5, 0.9, 1];
const LOOKUPS = 2_000_000;
const TCP = 6;
const CLIENTS = 0x0a090000;
const PORTS_PER_CLIENT = 60_000;
/** What the data plane collects at a time. */
const COLLECT_SLOTS = 8192;
const LATER_MS = 100_000_000;
const ROUNDS = 5;

const key = new ConnectionKey();
key.tag = keyTag(0, TCP);

/** Fills the key with the connection of this number. */
function setKey(family, n) {
  const client = CLIENTS + Math.floor(n / PORTS_PER_CLIENT);
  if (family === 4) key.setClient4(client);
  else key.setClient6(0x2001_0db8, 0, n & 0xffff, client);
  key.ports = keyPorts(1024 + (n % PORTS_PER_CLIENT), 80);
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function newMap(family) {
  const counters = new Float64Array(COUNTER_CELLS);
  return new ConnectionMap({ family, capacity: CAPACITY, seed: 42, counters });
}

/** Enters connections until there are `count`; ns each. */
function fill(map, family, count) {
  const before = map.tally.byState[0];
  const start = process.hrtime.bigint();
  for (let n = before; n < count; n++) {
    setKey(family, n);
    map.insert(key, n & 3, ConnectionState.established, 1000);
  }
  return Number(process.hrtime.bigint() - start) / (count - before);
}

/** Finds connections in an order that no cache foresees; ns each. `from` on, `count` of them. */
function lookUp(map, family, from, count) {
  // A multiplicative walk over all residues: random enough, and the same in every run.
  let n = 1;
  let found = 0;
  const start = process.hrtime.bigint();
  for (let i = 0; i < LOOKUPS; i++) {
    n = (Math.imul(n, 1_664_525) + 1_013_904_223) >>> 0;
    setKey(family, from + (n % count));
    if (map.find(key) >= 0) found++;
  }
  const ns = Number(process.hrtime.bigint() - start) / LOOKUPS;
  const expected = from === 0 ? LOOKUPS : 0;
  if (found !== expected) throw new Error(`found ${found} of ${expected}`);
  return ns;
}

/** Longest and median piece of garbage collection, us, and how many connections went. */
function collect(map, nowMs) {
  const pauses = [];
  let removed = 0;
  for (let looked = 0; looked < CAPACITY; looked += COLLECT_SLOTS / 8) {
    const start = process.hrtime.bigint();
    removed += map.collect(nowMs, COLLECT_SLOTS);
    pauses.push(Number(process.hrtime.bigint() - start) / 1e3);
  }
  return { removed, medianUs: median(pauses), longestUs: Math.max(...pauses) };
}

function round(family) {
  const map = newMap(family);
  const loads = LOADS.map((load) => {
    const count = CAPACITY * load;
    const insertNs = fill(map, family, count);
    const hitNs = lookUp(map, family, 0, count);
    return { load, insertNs, hitNs, missNs: lookUp(map, family, CAPACITY * 2, CAPACITY) };
  });
  const idle = collect(map, 2000);
  const expired = collect(map, LATER_MS);
  if (idle.removed !== 0 || expired.removed !== CAPACITY) throw new Error('not collected as expected');
  return { bytesPerConnection: map.byteLength / CAPACITY, loads, idle, expired };
}

function measure(family) {
  round(family); // the engine warms up
  const rounds = Array.from({ length: ROUNDS }, () => round(family));
  const middle = (read) => median(rounds.map(read));
  return {
    family,
    connections: CAPACITY,
    bytesPerConnection: rounds[0].bytesPerConnection,
    loads: LOADS.map((load, i) => ({
      load,
      insertNs: middle((each) => each.loads[i].insertNs),
      hitNs: middle((each) => each.loads[i].hitNs),
      missNs: middle((each) => each.loads[i].missNs),
    })),
    collect: {
      slots: COLLECT_SLOTS,
      idleUs: middle((each) => each.idle.medianUs),
      expiredUs: middle((each) => each.expired.medianUs),
      longestUs: middle((each) => Math.max(each.idle.longestUs, each.expired.longestUs)),
    },
  };
}

function print({ family, connections, bytesPerConnection, loads, collect: pieces }) {
  const bytes = bytesPerConnection.toFixed(1);
  console.log(`IPv${family}, ${connections} connections: ${bytes} bytes each; medians of ${ROUNDS} rounds`);
  for (const { load, insertNs, hitNs, missNs } of loads) {
    const figures = [insertNs, hitNs, missNs].map((ns) => `${ns.toFixed(0)} ns`.padStart(8));
    const share = `${load * 100} %`.padStart(5);
    console.log(`  ${share} full: insert ${figures[0]}, find ${figures[1]}, miss ${figures[2]}`);
  }
  const [idle, expired, longest] = [pieces.idleUs, pieces.expiredUs, pieces.longestUs].map((us) =>
    us.toFixed(0),
  );
  console.log(`  garbage collection, ${pieces.slots} slots at a time: ${idle} us with nothing to do,`);
  console.log(`  ${expired} us when all have expired, longest piece of a round ${longest} us`);
}

const results = [4, 6].map(measure);
if (process.argv.includes('--json')) console.log(JSON.stringify(results));
else results.forEach(print);
