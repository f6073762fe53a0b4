/**
 * Frames a second through `process()`, by hand: `node packages/dispatch/bench/process.mjs` after a build. Each line is one
 * kind of frame; the frames of a pass lie in one memory, as in a packet ring, and their destination is put back outside
 * the measured time.
 */
import { encodeEthernet, encodeIpv4, encodeTcp, EtherType } from 'libnetraw/wire';
import { ConnectionState, Dispatcher, virtualMacOf } from '../dist/index.js';

const CLUSTER = 0x0a000064;
const CLIENTS = 0x0a090000;
const virtualMac = virtualMacOf(CLUSTER);
const clientMac = Uint8Array.of(2, 0, 0, 0, 0, 9);
const SLOT_BYTES = 2048;
const HEADROOM = 16;
const BATCH = 4096;

function dispatcherWith(maxConnections) {
  const dispatcher = new Dispatcher({
    clusters: [{ address: CLUSTER, virtualMac, ports: [{ port: 80, protocol: 'tcp' }] }],
    ownMac: Uint8Array.of(2, 0, 0, 0, 0, 1),
    maxConnections,
    seed: 42,
    holdBytes: 1 << 20,
  });
  dispatcher.setServers(
    [11, 12, 13, 14].map((n) => ({
      address: 0x0a000000 + n,
      mac: Uint8Array.of(2, 0, 0, 0, 0, n),
      weight: 1,
      active: true,
      local: n === 11,
    })),
    0,
  );
  dispatcher.setMode('dispatch');
  return dispatcher;
}

function writeFrame(memory, offset, client, port, flags) {
  let at = encodeEthernet(memory, offset, virtualMac, clientMac, EtherType.ipv4);
  at = encodeIpv4(memory, at, { source: client, destination: CLUSTER, protocol: 6, payloadLength: 20 });
  encodeTcp(memory, at, { sourcePort: port, destinationPort: 80, flags });
}

const clientOf = (n) => CLIENTS + Math.floor(n / 60_000);
const portOf = (n) => 1024 + (n % 60_000);

/** Runs `frames` frames of connections that `pick` chooses; prints millions of frames a second. */
function measure(name, dispatcher, frames, flags, pick) {
  const memory = new Uint8Array(BATCH * SLOT_BYTES);
  let elapsedNs = 0n;
  let done = 0;
  while (done < frames) {
    for (let i = 0; i < BATCH; i++) {
      const n = pick(done + i);
      writeFrame(memory, i * SLOT_BYTES + HEADROOM, clientOf(n), portOf(n), flags);
    }
    const start = process.hrtime.bigint();
    for (let i = 0; i < BATCH; i++) dispatcher.process(memory, i * SLOT_BYTES + HEADROOM, 54, 1000);
    elapsedNs += process.hrtime.bigint() - start;
    done += BATCH;
  }
  const millions = (done / Number(elapsedNs)) * 1000;
  console.log(
    `${name.padEnd(52)} ${millions.toFixed(2).padStart(7)} M/s  (${(1000 / millions).toFixed(0)} ns)`,
  );
}

function enterAll(dispatcher, count) {
  const report = {
    serverAddress: 0,
    clusterAddress: CLUSTER,
    clientAddress: 0,
    clientPort: 0,
    port: 80,
    protocol: 6,
    state: ConnectionState.established,
  };
  const start = process.hrtime.bigint();
  for (let n = 0; n < count; n++) {
    report.serverAddress = 0x0a00000b + (n % 4);
    report.clientAddress = clientOf(n);
    report.clientPort = portOf(n);
    dispatcher.enter(report, 1000);
  }
  const ns = Number(process.hrtime.bigint() - start);
  console.log(
    `enter, up to ${count} connections`.padEnd(52) + ` ${((count / ns) * 1000).toFixed(2).padStart(7)} M/s`,
  );
}

const random = (limit) => () => Math.floor(Math.random() * limit);
const ACK = 16;
const SYN = 2;

const small = dispatcherWith(4096);
enterAll(small, 1000);
measure('known connection, 1,000 of them', small, 8e6, ACK, random(1000));

const large = dispatcherWith(1 << 20);
measure('new connections (SYN)', large, 1e6, SYN, (n) => n);
const full = dispatcherWith(1 << 20);
enterAll(full, 1 << 20);
measure('known connection, 1,048,576 of them, at random', full, 4e6, ACK, random(1 << 20));
measure('unknown connection, map full', full, 4e6, ACK, () => 2e6);
measure('new connections into a map of half-open ones (flood)', large, 2e6, SYN, (n) => 1e6 + n);

const pauses = [];
let collected = 0;
for (let i = 0; i < 2000 && collected < 1 << 20; i++) {
  const start = process.hrtime.bigint();
  collected += full.gc(8_000_000, 8192);
  pauses.push(Number(process.hrtime.bigint() - start) / 1e3);
}
pauses.sort((a, b) => a - b);
const at = (q) => pauses[Math.floor((pauses.length - 1) * q)].toFixed(0);
console.log(`gc(8192), ${collected} expired: pauses p50 ${at(0.5)} us, p99 ${at(0.99)} us, max ${at(1)} us`);
