import { randomBytes, timingSafeEqual } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Cryptography } from '@ringmaster/ring';
import { RecordReader, RecordWriter } from '@ringmaster/transport';
import type { ConnectionList } from '../dataplane/index.js';
import { decodeRows, type Family } from './connectionList.js';
import { ANSWER_HEAD_BYTES, AnswerKind, encodeRequest, ExchangeVersion, NONCE_BYTES } from './exchange.js';

export interface AskOptions {
  readonly host: string;
  readonly port: number;
  readonly cryptography: Cryptography | undefined;
  /** Whether connections over IPv6 are asked for, too. */
  readonly ipv6: boolean;
  /** Until the member has accepted the question. */
  readonly acceptTimeoutMs: number;
  /** From then to the end of its answer. */
  readonly answerTimeoutMs: number;
  /** More rows than this are not taken from one member. */
  readonly maxConnections: number;
  readonly onRows: (list: ConnectionList) => void;
}

export type AskFailure = 'unreachable' | 'timeout' | 'not-authentic' | 'too-many' | 'broken-off';
export type AskResult =
  { readonly ok: true; readonly connections: number } | { readonly ok: false; readonly failure: AskFailure };

/** What kind of rows an answer has. */
const FAMILIES: Readonly<Record<number, Family>> = { [AnswerKind.rows]: 4, [AnswerKind.rows6]: 6 };

/** Asks one member for its connections (S9); rows are handed on as they come. Never rejects. */
export function askForConnections(options: AskOptions): Promise<AskResult> {
  return new Promise((resolve) => new Question(options, resolve).start());
}

class Question {
  private readonly options: AskOptions;
  private readonly resolve: (result: AskResult) => void;
  private readonly nonce = randomBytes(NONCE_BYTES);
  private readonly reader: RecordReader;
  private readonly socket: Socket;
  private deadline: NodeJS.Timeout;
  private connections = 0;
  private done = false;

  constructor(options: AskOptions, resolve: (result: AskResult) => void) {
    this.options = options;
    this.resolve = resolve;
    this.reader = new RecordReader(options.cryptography);
    this.socket = connect({ host: options.host, port: options.port, noDelay: true });
    this.deadline = setTimeout(() => this.fail('timeout'), options.acceptTimeoutMs);
  }

  start(): void {
    const { socket } = this;
    socket.on('connect', () => {
      const version = this.options.ipv6 ? ExchangeVersion.both : ExchangeVersion.ipv4;
      const request = encodeRequest({ version, nonce: this.nonce });
      socket.write(new RecordWriter(this.options.cryptography).write(request));
    });
    socket.on('error', () => this.fail('unreachable'));
    socket.on('close', () => this.fail('broken-off'));
    socket.on('data', (chunk) => {
      const result = this.reader.push(chunk);
      if (!result.ok) return this.fail('not-authentic');
      for (const payload of result.payloads) if (!this.done) this.take(payload);
    });
  }

  private take(payload: Uint8Array): void {
    const authentic =
      payload.length >= ANSWER_HEAD_BYTES && timingSafeEqual(payload.subarray(0, NONCE_BYTES), this.nonce);
    if (!authentic) return this.fail('not-authentic');
    const kind = payload[NONCE_BYTES];
    if (kind === AnswerKind.end) return this.finish({ ok: true, connections: this.connections });
    if (kind === AnswerKind.accepted) {
      clearTimeout(this.deadline);
      this.deadline = setTimeout(() => this.fail('timeout'), this.options.answerTimeoutMs);
      return;
    }
    const family = FAMILIES[kind];
    const list = family && decodeRows(payload.subarray(ANSWER_HEAD_BYTES), family);
    if (!list) return this.fail('not-authentic');
    this.connections += list.count;
    if (this.connections > this.options.maxConnections) return this.fail('too-many');
    this.options.onRows(list);
  }

  private fail(failure: AskFailure): void {
    this.finish({ ok: false, failure });
  }

  private finish(result: AskResult): void {
    if (this.done) return;
    this.done = true;
    clearTimeout(this.deadline);
    this.socket.destroy();
    this.resolve(result);
  }
}
