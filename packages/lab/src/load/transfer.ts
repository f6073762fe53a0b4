import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../clock.js';
import type { TransferEvent } from './events.js';
import { UdpTransfer } from './udpTransfer.js';
import type { Target } from './target.js';

export interface TransferOptions {
  readonly target: Target;
  readonly protocol: 'tcp' | 'udp';
  /** How much is sent, and expected back. */
  readonly bytes: number;
  /** At most so many bytes a second, each way; 0 for as fast as it goes. */
  readonly rate: number;
  /** UDP: bytes of a datagram. */
  readonly datagramBytes: number;
  /** When it is given up. */
  readonly timeoutMs: number;
  /** Called now and then with the bytes that have come back so far, and who sent them. */
  readonly onProgress: (bytes: number, servers: readonly string[]) => void;
}

/** How a transfer ended, but for what is filled in by `transfer`. */
export interface TransferOutcome {
  /** Who served it; UDP may be served by several. */
  readonly servers: readonly string[];
  readonly error?: string;
  /** UDP: datagrams that were sent again. */
  readonly repeated: number;
}

/** Bytes of a TCP transfer are written in pieces of this size. */
const PIECE_BYTES = 64 * 1024;

/**
 * Sends bytes to the bulk service and takes them back, and compares hashes. A failure is an outcome, never a rejection.
 *
 * @param data what is sent
 */
export async function transfer(data: Buffer, options: TransferOptions): Promise<TransferEvent> {
  const startMs = nowMs();
  const received = createHash('sha256');
  const pass = options.protocol === 'tcp' ? overTcp : overUdp;
  const outcome = await pass(data, options, (piece) => received.update(piece));
  return {
    event: 'transfer',
    start: startMs,
    end: nowMs(),
    ...outcome,
    intact: received.digest('hex') === createHash('sha256').update(data).digest('hex'),
  };
}

function overUdp(
  data: Buffer,
  options: TransferOptions,
  take: (piece: Buffer) => void,
): Promise<TransferOutcome> {
  return new UdpTransfer(data, options).run(take);
}

/** One connection that carries everything both ways; the service's name comes first, in a line of its own. */
function overTcp(
  data: Buffer,
  options: TransferOptions,
  take: (piece: Buffer) => void,
): Promise<TransferOutcome> {
  return new Promise((resolve) => {
    const { target, rate, timeoutMs, onProgress } = options;
    const socket = connect({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true });
    let greeting: Buffer | undefined = Buffer.alloc(0);
    let server = '';
    let back = 0;
    const end = (error?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({
        servers: server === '' ? [] : [server],
        repeated: 0,
        ...(error === undefined ? {} : { error }),
      });
    };
    const timer = setTimeout(() => end(`timeout after ${back} of ${data.length} bytes`), timeoutMs);
    socket.on('connect', () => void sendPaced(data, rate, (piece, last) => write(piece, last)));
    const write = (piece: Buffer, last: boolean) =>
      new Promise<void>((done) => {
        if (last) socket.end(piece, done);
        else socket.write(piece, () => done());
      });
    socket.on('data', (chunk: Buffer) => {
      let body = chunk;
      if (greeting !== undefined) {
        greeting = Buffer.concat([greeting, chunk]);
        const lineEnd = greeting.indexOf('\n');
        if (lineEnd < 0) return;
        server = greeting.toString('latin1', 0, lineEnd);
        body = greeting.subarray(lineEnd + 1);
        greeting = undefined;
      }
      back += body.length;
      take(body);
      onProgress(back, [server]);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('end', () => end());
  });
}

/** Hands out the data in pieces, `rate` bytes a second; the next one when the last is gone. */
async function sendPaced(
  data: Buffer,
  rate: number,
  write: (piece: Buffer, last: boolean) => Promise<void>,
): Promise<void> {
  const startMs = nowMs();
  for (let at = 0; at < data.length; at += PIECE_BYTES) {
    const piece = data.subarray(at, at + PIECE_BYTES);
    await write(piece, at + PIECE_BYTES >= data.length);
    const waitMs = rate === 0 ? 0 : startMs + ((at + piece.length) / rate) * 1000 - nowMs();
    if (waitMs > 1) await sleep(waitMs);
  }
}
