/**
 * Answers questions for this host's connections, in a thread of its own: asking the kernel blocks for a fraction of a
 * second when there are many, and the heartbeat must not wait for that.
 */
import { createServer, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { NodeCryptography, RecordReader, RecordWriter } from '@ringmaster/transport';
import { listTcpConnections, listTcpConnections6 } from 'libnetraw';
import { encodeRows } from './connectionList.js';
import { endConnections, measureLoad } from './ownLoad.js';
import {
  ANSWER_HEAD_BYTES,
  AnswerKind,
  decodeRequest,
  ExchangeVersion,
  REQUEST_BYTES,
  ROWS_PER_RECORD,
  type Request,
} from './exchange.js';

/** Connections to be told: to this address of the host, on these ports. */
export interface ListedPlace {
  /** IPv4 as an unsigned number, IPv6 as 16 bytes. A cluster address, or in L4/3 the host's own. */
  readonly address: number | Uint8Array;
  /** At least one. */
  readonly ports: readonly number[];
}

export interface InventoryWorkerData {
  readonly address: string;
  readonly port: number;
  /** Absent in an insecure ring. */
  readonly keys: readonly Uint8Array[] | undefined;
  readonly places: readonly ListedPlace[];
  readonly maxConnections: number;
}

/** What may change while it answers. */
export type InventoryChange = Pick<InventoryWorkerData, 'places' | 'keys'>;

/** From the node's main thread. */
export type OwnMessage =
  ({ readonly kind: 'question' } & OwnQuestion) | ({ readonly kind: 'configure' } & InventoryChange);

export interface OwnQuestion {
  readonly id: number;
  /** `end`: reset the connections to the services. */
  readonly what: 'load' | 'end';
}

/** Who has connected must ask within this time, and take the answer without pausing longer. */
const IDLE_TIMEOUT_MS = 2000;
const MAX_CLIENTS = 64;
/** A request record: its length, the envelope, the question. */
const MAX_REQUEST_BYTES = 4 + 64 + REQUEST_BYTES;

const options = workerData as InventoryWorkerData;
let places = options.places;
let cryptography = options.keys && new NodeCryptography(options.keys, 'bulk');

function list({ address, ports }: ListedPlace) {
  const limit = options.maxConnections;
  return typeof address === 'number'
    ? listTcpConnections({ localAddress: address, ports, limit })
    : listTcpConnections6({ localAddress: address, ports, limit });
}

/** A question that was accepted and waits for the list. */
interface Waiting {
  readonly socket: Socket;
  readonly version: Request['version'];
  /** Sends a record; the head of `body` is filled in here. */
  readonly send: (kind: number, body: Uint8Array) => void;
}

let waiting: Waiting[] = [];

/**
 * Accepts a question at once. The list comes when what has arrived meanwhile was read: a list of several hundred thousand
 * connections takes a second on a busy host, and all questions that came during the last one share the next.
 */
function accept(socket: Socket, { version, nonce }: Request): void {
  const writer = new RecordWriter(cryptography);
  const send = (kind: number, body: Uint8Array): void => {
    body.set(nonce);
    body[ANSWER_HEAD_BYTES - 1] = kind;
    socket.write(writer.write(body));
  };
  send(AnswerKind.accepted, new Uint8Array(ANSWER_HEAD_BYTES));
  waiting.push({ socket, version, send });
  // The turn in between reads what has come, other questions and the good-byes of those who do not wait any more.
  if (waiting.length === 1) setImmediate(() => setImmediate(answerAll));
}

function answerAll(): void {
  const questions = waiting.filter(({ socket }) => !socket.destroyed && !socket.readableEnded);
  waiting = [];
  try {
    for (const place of places) answerPlace(place, questions);
    for (const { socket, send } of questions) {
      send(AnswerKind.end, new Uint8Array(ANSWER_HEAD_BYTES));
      socket.end();
    }
  } catch (error) {
    parentPort?.postMessage({ kind: 'failed', message: (error as Error).message });
    for (const { socket } of questions) socket.destroy();
  }
}

/** Lists the connections of a place for everybody who wants to know them. */
function answerPlace(place: ListedPlace, questions: readonly Waiting[]): void {
  const wanted = questions.filter(
    ({ version }) => typeof place.address === 'number' || version === ExchangeVersion.both,
  );
  if (wanted.length === 0) return;
  const table = list(place);
  const kind = table.family === 4 ? AnswerKind.rows : AnswerKind.rows6;
  const most = ROWS_PER_RECORD[table.family];
  for (const { send } of wanted) {
    for (let from = 0; from < table.count; from += most) {
      const to = Math.min(table.count, from + most);
      send(kind, encodeRows(table, from, to, ANSWER_HEAD_BYTES));
    }
  }
}

function serve(socket: Socket): void {
  const reader = new RecordReader(cryptography);
  let received = 0;
  socket.setNoDelay(true);
  socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    received += chunk.length;
    const result = received > MAX_REQUEST_BYTES ? ({ ok: false } as const) : reader.push(chunk);
    const payload = result.ok ? result.payloads[0] : undefined;
    if (result.ok && !payload) return;
    const request = payload && decodeRequest(payload);
    if (!request) {
      parentPort?.postMessage({ kind: 'refused' });
      socket.destroy();
      return;
    }
    socket.removeAllListeners('data');
    socket.resume();
    accept(socket, request);
  });
}

/** What the node asks about its own host: both may take the kernel a while. */
function askOwn({ id, what }: OwnQuestion): void {
  try {
    const value = what === 'load' ? measureLoad(places) : endConnections(places);
    parentPort?.postMessage({ kind: 'own', id, value });
  } catch (error) {
    parentPort?.postMessage({ kind: 'own', id, failure: (error as Error).message });
  }
}

function configure(change: InventoryChange): void {
  places = change.places;
  cryptography = change.keys && new NodeCryptography(change.keys, 'bulk');
}

parentPort?.on('message', (message: OwnMessage) =>
  message.kind === 'question' ? askOwn(message) : configure(message),
);

const server = createServer(serve);
server.maxConnections = MAX_CLIENTS;
server.on('error', (error: NodeJS.ErrnoException) =>
  parentPort?.postMessage({ kind: 'error', code: error.code, message: error.message }),
);
server.listen(options.port, options.address, () => parentPort?.postMessage({ kind: 'listening' }));
