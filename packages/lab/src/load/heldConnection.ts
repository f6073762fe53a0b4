import { connect, type Socket } from 'node:net';
import { nowMs } from '../clock.js';
import type { Harm } from './events.js';
import { formatTarget, type Target } from './target.js';

/** Lines of the service's `/stream` that answer a ping: `n1 ping 17`. Chunk sizes stand on lines of their own. */
const REPLY = /^(\S+) ping (\d+)$/;

/** What `HeldConnection` reports. */
export interface HeldConnectionEvents {
  /** The first answer came: the connection lives on `server`. */
  opened(connection: HeldConnection): void;
  /** Reset or closed by the other side. */
  broken(connection: HeldConnection, how: Exclude<Harm, 'stalled'>): void;
}

/** One long-lived connection: a `POST /stream` that is never finished and carries a ping now and then. */
export class HeldConnection {
  readonly id: number;
  /** Host that serves it; empty until the first answer. */
  server = '';
  lastReplyAt = 0;
  /** When the oldest unanswered ping was sent; 0 when all are answered. */
  waitingSince = 0;
  broken = false;
  stalled = false;
  /** The longest wait for an answer since this was last set to 0. */
  longestSilenceMs = 0;
  readonly #socket: Socket;
  readonly #events: HeldConnectionEvents;
  #sequence = 0;
  #rest = '';

  constructor(id: number, target: Target, events: HeldConnectionEvents) {
    this.id = id;
    this.#events = events;
    this.#socket = connect(target.port, target.host);
    this.#socket.setNoDelay(true).setEncoding('utf8');
    this.#socket.on('connect', () => {
      this.#socket.write(
        `POST /stream HTTP/1.1\r\nhost: ${formatTarget(target.host, target.port)}\r\ntransfer-encoding: chunked\r\n\r\n`,
      );
      this.ping();
    });
    this.#socket.on('data', (data: string) => this.#read(data));
    this.#socket.on('error', () => this.#break('reset'));
    this.#socket.on('close', () => this.#break('closed'));
  }

  /** Sends a ping; nothing while one is on its way, so that the silence is measured from the first unanswered. */
  ping(): void {
    if (this.broken || this.waitingSince !== 0) return;
    const line = `ping ${++this.#sequence}\n`;
    this.#socket.write(`${line.length.toString(16)}\r\n${line}\r\n`);
    this.waitingSince = nowMs();
  }

  /** How long it has been waiting for an answer. */
  silenceMs(now: number): number {
    return this.waitingSince === 0 ? 0 : now - this.waitingSince;
  }

  #read(data: string): void {
    const lines = (this.#rest + data).split(/\r?\n/);
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const reply = REPLY.exec(line);
      if (reply !== null && Number(reply[2]) === this.#sequence) this.#replied(reply[1]);
    }
  }

  #replied(server: string): void {
    const now = nowMs();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, this.silenceMs(now));
    this.lastReplyAt = now;
    this.waitingSince = 0;
    if (this.server !== '') return;
    this.server = server;
    this.#events.opened(this);
  }

  #break(how: 'reset' | 'closed'): void {
    if (this.broken) return;
    this.broken = true;
    this.#socket.destroy();
    this.#events.broken(this, how);
  }
}
