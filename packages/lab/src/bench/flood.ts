/**
 * The load generator for machines without wrk: `node flood.js ADDRESS:PORT PATH CONNECTIONS SECONDS CLOSE`. Each
 * connection asks again as soon as it is answered. Prints `LoadFigures` as JSON.
 */
import { connect } from 'node:net';
import { nowMs } from '../clock.js';
import { parseTarget, type Target } from '../load/target.js';
import type { LoadFigures } from './load.js';

interface Flood {
  readonly target: Target;
  readonly request: string;
  readonly close: boolean;
  readonly untilMs: number;
  readonly latenciesMs: number[];
  bytes: number;
  errors: number;
}

/** Latencies kept for the percentiles; all requests count, only these are sorted. */
const KEPT_LATENCIES = 1_000_000;
const HEADER_END = '\r\n\r\n';
/** A refused connection is tried again after this long. */
const RETRY_MS = 10;

/** Keeps one connection busy until the time is over. */
function drive(flood: Flood): Promise<void> {
  return new Promise((resolve) => {
    const again = (failed: boolean) => {
      if (failed) flood.errors++;
      if (nowMs() >= flood.untilMs) resolve();
      else setTimeout(() => void drive(flood).then(resolve), failed ? RETRY_MS : 0);
    };
    const socket = connect(flood.target.port, flood.target.host);
    socket.setNoDelay(true);
    let askedAt = nowMs();
    let left = -1;
    const ask = () => {
      if (!flood.close) askedAt = nowMs();
      left = -1;
      socket.write(flood.request);
    };
    const answered = () => {
      if (flood.latenciesMs.length < KEPT_LATENCIES) flood.latenciesMs.push(nowMs() - askedAt);
      if (!flood.close && nowMs() < flood.untilMs) return ask();
      socket.removeAllListeners().on('error', () => undefined);
      socket.destroy();
      again(false);
    };
    socket.on('connect', ask);
    socket.on('data', (data) => {
      flood.bytes += data.length;
      if (left < 0) left = bodyBytesAfter(data);
      else left -= data.length;
      if (left === 0) answered();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => again(true));
  });
}

/** How much of the body is still to come after the first piece of an answer; it holds the whole header here. */
function bodyBytesAfter(data: Buffer): number {
  const headerBytes = data.indexOf(HEADER_END) + HEADER_END.length;
  const length = /content-length: (\d+)/i.exec(data.toString('latin1', 0, headerBytes));
  return Number(length?.[1] ?? 0) - (data.length - headerBytes);
}

async function main(args: readonly string[]): Promise<void> {
  const [address, path, connections, seconds, close] = args;
  const target = parseTarget(address);
  const connection = close === 'true' ? 'close' : 'keep-alive';
  const startMs = nowMs();
  const flood: Flood = {
    target,
    request: `GET ${path} HTTP/1.1\r\nhost: ${target.host}\r\nconnection: ${connection}\r\n\r\n`,
    close: close === 'true',
    untilMs: startMs + Number(seconds) * 1000,
    latenciesMs: [],
    bytes: 0,
    errors: 0,
  };
  await Promise.all(Array.from({ length: Number(connections) }, () => drive(flood)));
  const tookSeconds = (nowMs() - startMs) / 1000;
  const sorted = flood.latenciesMs.sort((one, other) => one - other);
  const percentile = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? NaN) * 1000;
  const figures: LoadFigures = {
    requestsPerSecond: sorted.length / tookSeconds,
    bytesPerSecond: flood.bytes / tookSeconds,
    p50Us: percentile(0.5),
    p99Us: percentile(0.99),
    errors: flood.errors,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

await main(process.argv.slice(2));
