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

/** From the node's main thread. */
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
const cryptography = options.keys && new NodeCryptography(options.keys, 'bulk');

function list({ address, ports }: ListedPlace) {
  const limit = options.maxConnections;
  return typeof address === 'number'
    ? listTcpConnections({ localAddress: address, ports, limit })
    : listTcpConnections6({ localAddress: address, ports, limit });
}

function answer(socket: Socket, { version, nonce }: Request): void {
  const writer = new RecordWriter(cryptography);
  const send = (kind: number, body: Uint8Array): void => {
    body.set(nonce);
    body[ANSWER_HEAD_BYTES - 1] = kind;
    socket.write(writer.write(body));
  };
  send(AnswerKind.accepted, new Uint8Array(ANSWER_HEAD_BYTES));
  // Let the acceptance leave before the kernel is asked.
  setImmediate(() => {
    if (socket.destroyed) return;
    for (const place of options.places) {
      if (typeof place.address !== 'number' && version !== ExchangeVersion.both) continue;
      const table = list(place);
      const kind = table.family === 4 ? AnswerKind.rows : AnswerKind.rows6;
      const most = ROWS_PER_RECORD[table.family];
      for (let from = 0; from < table.count; from += most) {
        const to = Math.min(table.count, from + most);
        send(kind, encodeRows(table, from, to, ANSWER_HEAD_BYTES));
      }
    }
    send(AnswerKind.end, new Uint8Array(ANSWER_HEAD_BYTES));
    socket.end();
  });
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
    try {
      answer(socket, request);
    } catch (error) {
      parentPort?.postMessage({ kind: 'failed', message: (error as Error).message });
      socket.destroy();
    }
  });
}

/** What the node asks about its own host: both may take the kernel a while. */
function askOwn({ id, what }: OwnQuestion): void {
  try {
    const value = what === 'load' ? measureLoad(options.places) : endConnections(options.places);
    parentPort?.postMessage({ kind: 'own', id, value });
  } catch (error) {
    parentPort?.postMessage({ kind: 'own', id, failure: (error as Error).message });
  }
}

parentPort?.on('message', askOwn);

const server = createServer(serve);
server.maxConnections = MAX_CLIENTS;
server.on('error', (error: NodeJS.ErrnoException) =>
  parentPort?.postMessage({ kind: 'error', code: error.code, message: error.message }),
);
server.listen(options.port, options.address, () => parentPort?.postMessage({ kind: 'listening' }));
