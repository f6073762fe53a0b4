import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { nowMs } from '../clock.js';
import type { TransferOptions, TransferOutcome } from './transfer.js';

/** Datagrams under way at one time: few enough to fit the smallest socket buffers on the way. */
const WINDOW_BYTES = 64 * 1024;
/** A datagram that was not answered for so long is sent again. */
const REPEAT_MS = 200;
const TICK_MS = 20;
/** The number of the datagram, in front of its payload. */
const HEADER_BYTES = 4;

/**
 * As many numbered datagrams as it takes, each answered by a copy of itself, and sent again until it is: the least that
 * makes a whole out of what may be lost, doubled or overtaken on the way.
 */
export class UdpTransfer {
  readonly #data: Buffer;
  readonly #options: TransferOptions;
  readonly #socket: Socket;
  readonly #payloadBytes: number;
  readonly #count: number;
  readonly #window: number;
  /** The copies that came back, until their turn comes. */
  readonly #back = new Map<number, Buffer>();
  /** When each datagram under way was sent last. */
  readonly #sentAt = new Map<number, number>();
  readonly #servers = new Set<string>();
  readonly #startMs = nowMs();
  #next = 0;
  #taken = 0;
  #repeated = 0;

  constructor(data: Buffer, options: TransferOptions) {
    this.#data = data;
    this.#options = options;
    this.#payloadBytes = options.datagramBytes - HEADER_BYTES;
    this.#count = Math.ceil(data.length / this.#payloadBytes);
    this.#window = Math.max(1, Math.floor(WINDOW_BYTES / options.datagramBytes));
    this.#socket = createSocket(isIPv6(options.target.host) ? 'udp6' : 'udp4');
  }

  /** @param take gets what came back, in order */
  run(take: (piece: Buffer) => void): Promise<TransferOutcome> {
    return new Promise((resolve) => {
      const end = (error?: string) => {
        clearTimeout(timer);
        clearInterval(ticker);
        this.#socket.close();
        const outcome = { servers: [...this.#servers], repeated: this.#repeated };
        resolve(error === undefined ? outcome : { ...outcome, error });
      };
      const timer = setTimeout(
        () => end(`timeout after ${this.#taken} of ${this.#count} datagrams`),
        this.#options.timeoutMs,
      );
      const ticker = setInterval(() => this.#tick(), TICK_MS);
      // A server that has just died answers with an error until the dispatcher is another one: go on asking.
      this.#socket.on('error', () => undefined);
      this.#socket.on('message', (message) => {
        this.#receive(message);
        this.#deliver(take);
        if (this.#taken === this.#count) end();
        else this.#fill();
      });
      const { port, host } = this.#options.target;
      this.#socket.connect(port, host, () => this.#fill());
    });
  }

  #receive(message: Buffer): void {
    if (message.length < HEADER_BYTES) return;
    const number = message.readUInt32BE(0);
    if (!this.#sentAt.has(number)) return; // a second copy
    const length = HEADER_BYTES + this.#payloadOf(number).length;
    if (message.length <= length) return;
    this.#sentAt.delete(number);
    this.#servers.add(message.toString('latin1', length));
    this.#back.set(number, message.subarray(HEADER_BYTES, length));
  }

  #deliver(take: (piece: Buffer) => void): void {
    for (;;) {
      const piece = this.#back.get(this.#taken);
      if (piece === undefined) break;
      this.#back.delete(this.#taken++);
      take(piece);
    }
    const bytes = Math.min(this.#taken * this.#payloadBytes, this.#data.length);
    this.#options.onProgress(bytes, [...this.#servers]);
  }

  /** Sends new datagrams as the window and the rate allow. */
  #fill(): void {
    const { rate } = this.#options;
    const due = rate === 0 ? this.#count : ((nowMs() - this.#startMs) / 1000) * (rate / this.#payloadBytes);
    while (this.#next < this.#count && this.#next < due && this.#next < this.#taken + this.#window) {
      this.#send(this.#next++);
    }
  }

  #tick(): void {
    const now = nowMs();
    for (const [number, sentAt] of this.#sentAt) {
      if (now - sentAt < REPEAT_MS) continue;
      this.#repeated++;
      this.#send(number);
    }
    this.#fill();
  }

  #send(number: number): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(number);
    this.#sentAt.set(number, nowMs());
    this.#socket.send([header, this.#payloadOf(number)], () => undefined);
  }

  #payloadOf(number: number): Buffer {
    return this.#data.subarray(number * this.#payloadBytes, (number + 1) * this.#payloadBytes);
  }
}
