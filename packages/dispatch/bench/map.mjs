/**
 * The connection map with a million connections, by hand: `node packages/dispatch/bench/map.mjs [--json]` after a build, or
 * `npm run bench -- --map`. What a connection weighs, what finding and entering one costs at several loads, and how long the
 * longest piece of garbage collection takes.
 */
import { ConnectionMap } from '../dist/connectionMap.js';
import { ConnectionState, keyPorts, keyTag } from '../dist/connectionRecord.js';
import { COUNTER_CELLS } from '../dist/counters.js';

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

const tag = keyTag(0, TCP);
const clientOf = (n) => (CLIENTS + Math.floor(n / PORTS_PER_CLIENT)) | 0;
const portsOf = (n) => keyPorts(1024 + (n % PORTS_PER_CLIENT), 80);
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function newMap() {
  return new ConnectionMap({ capacity: CAPACITY, seed: 42, counters: new Float64Array(COUNTER_CELLS) });
}

/** Enters connections until there are `count`; ns each. */
function fill(map, count) {
  const before = map.counts[0];
  const start = process.hrtime.bigint();
  for (let n = before; n < count; n++) {
    map.insert(clientOf(n), portsOf(n), tag, n & 3, ConnectionState.established, 1000);
  }
  return Number(process.hrtime.bigint() - start) / (count - before);
}

/** Finds connections in an order that no cache foresees; ns each. `from` on, `count` of them. */
function lookUp(map, from, count) {
  // A multiplicative walk over all residues: random enough, and the same in every run.
  let n = 1;
  let found = 0;
  const start = process.hrtime.bigint();
  for (let i = 0; i < LOOKUPS; i++) {
    n = (Math.imul(n, 1_664_525) + 1_013_904_223) >>> 0;
    const which = from + (n % count);
    if (map.find(clientOf(which), portsOf(which), tag) >= 0) found++;
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

function round() {
  const map = newMap();
  const loads = LOADS.map((load) => {
    const count = CAPACITY * load;
    const insertNs = fill(map, count);
    return { load, insertNs, hitNs: lookUp(map, 0, count), missNs: lookUp(map, CAPACITY * 2, CAPACITY) };
  });
  const idle = collect(map, 2000);
  const expired = collect(map, LATER_MS);
  if (idle.removed !== 0 || expired.removed !== CAPACITY) throw new Error('not collected as expected');
  return { bytesPerConnection: map.byteLength / CAPACITY, loads, idle, expired };
}

round(); // the engine warms up
const rounds = Array.from({ length: ROUNDS }, round);
const middle = (read) => median(rounds.map(read));
const result = {
  capacity: CAPACITY,
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

if (process.argv.includes('--json')) console.log(JSON.stringify(result));
else {
  console.log(
    `${CAPACITY} connections: ${result.bytesPerConnection.toFixed(1)} bytes each; medians of ${ROUNDS} rounds`,
  );
  for (const { load, insertNs, hitNs, missNs } of result.loads) {
    const figures = [insertNs, hitNs, missNs].map((ns) => `${ns.toFixed(0)} ns`.padStart(8));
    console.log(
      `  ${`${load * 100} %`.padStart(5)} full: insert ${figures[0]}, find ${figures[1]}, miss ${figures[2]}`,
    );
  }
  const { idleUs, expiredUs, longestUs } = result.collect;
  console.log(
    `  garbage collection, ${COLLECT_SLOTS} slots at a time: ${idleUs.toFixed(0)} us with nothing to do,`,
  );
  console.log(
    `  ${expiredUs.toFixed(0)} us when all have expired, longest piece of a round ${longestUs.toFixed(0)} us`,
  );
}
