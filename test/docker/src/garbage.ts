/** `node garbage.js PORT SECONDS ADDRESS...`: random bytes over UDP and TCP. Prints how much. Only to a test's own network. */
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const LARGEST_BYTES = 1400;
const TICK_MS = 5;
const STREAM_EVERY_TICKS = 40;

const [port, seconds, ...targets] = process.argv.slice(2);
const socket = createSocket('udp4');
let datagrams = 0;
let streams = 0;

function sendSome(tick: number): void {
  for (const target of targets) {
    socket.send(randomBytes(randomInt(1, LARGEST_BYTES)), Number(port), target, () => undefined);
    datagrams++;
    if (tick % STREAM_EVERY_TICKS !== 0) continue;
    const stream = connect(Number(port), target, () => stream.end(randomBytes(randomInt(1, 65_536))));
    stream.on('error', () => undefined);
    streams++;
  }
}

let tick = 0;
const timer = setInterval(() => sendSome(tick++), TICK_MS);
setTimeout(
  () => {
    clearInterval(timer);
    process.stdout.write(`${datagrams} datagrams, ${streams} streams\n`, () => process.exit(0));
  },
  Number(seconds) * 1000,
);
