/**
 * Answers questions for this host's connections, in a thread of its own: asking the kernel blocks for a fraction of a
 * second when there are many, and the heartbeat must not wait for that.
 */
import { createServer, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { NodeCryptography, RecordReader, RecordWriter } from '@ringmaster/transport';
import { listTcpConnections } from 'libnetraw';
import { encodeRows } from './connectionList.js';
import { ANSWER_HEAD_BYTES, AnswerKind, decodeRequest, REQUEST_BYTES, ROWS_PER_RECORD } from './exchange.js';

export interface InventoryWorkerData {
  readonly address: string;
  readonly port: number;
  /** Absent in an insecure ring. */
  readonly keys: readonly Uint8Array[] | undefined;
  readonly clusters: readonly { readonly address: number; readonly ports: readonly number[] }[];
  readonly maxConnections: number;
}

/** Who has connected must ask within this time, and take the answer without pausing longer. */
const IDLE_TIMEOUT_MS = 2000;
const MAX_CLIENTS = 64;
/** A request record: its length, the envelope, the question. */
const MAX_REQUEST_BYTES = 4 + 64 + REQUEST_BYTES;

const options = workerData as InventoryWorkerData;
const cryptography = options.keys && new NodeCryptography(options.keys, 'bulk');

function answer(socket: Socket, nonce: Uint8Array): void {
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
    for (const { address, ports } of options.clusters) {
      const filter = {
        localAddress: address,
        limit: options.maxConnections,
        ...(ports.length > 0 && { ports }),
      };
      const table = listTcpConnections(filter);
      for (let from = 0; from < table.count; from += ROWS_PER_RECORD) {
        const to = Math.min(table.count, from + ROWS_PER_RECORD);
        send(AnswerKind.rows, encodeRows(table, from, to, ANSWER_HEAD_BYTES));
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
    const request = result.ok ? result.payloads[0] : undefined;
    if (result.ok && !request) return;
    const nonce = request && decodeRequest(request);
    if (!nonce) {
      parentPort?.postMessage({ kind: 'refused' });
      socket.destroy();
      return;
    }
    socket.removeAllListeners('data');
    socket.resume();
    try {
      answer(socket, nonce);
    } catch (error) {
      parentPort?.postMessage({ kind: 'failed', message: (error as Error).message });
      socket.destroy();
    }
  });
}

const server = createServer(serve);
server.maxConnections = MAX_CLIENTS;
server.on('error', (error: NodeJS.ErrnoException) =>
  parentPort?.postMessage({ kind: 'error', code: error.code, message: error.message }),
);
server.listen(options.port, options.address, () => parentPort?.postMessage({ kind: 'listening' }));
