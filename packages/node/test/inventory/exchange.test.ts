import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { NodeCryptography, RecordReader, RecordWriter } from '@ringmaster/transport';
import { parseIpv4 } from 'libnetraw/wire';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionList } from '../../src/dataplane/index.js';
import { askForConnections } from '../../src/inventory/ask.js';
import {
  AnswerKind,
  ANSWER_HEAD_BYTES,
  EXCHANGE_VERSION,
  NONCE_BYTES,
} from '../../src/inventory/exchange.js';

const key = randomBytes(32);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const bulk = (): NodeCryptography => new NodeCryptography([key], 'bulk');

function listen(server: Server): Promise<number> {
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}

/** A member that answers by hand: `reply` gets the nonce that was asked with, and a way to send records. */
function member(
  reply: (nonce: Uint8Array, send: (payload: Uint8Array) => void, socket: Socket) => void,
  cryptography: NodeCryptography | undefined = bulk(),
): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    cleanups.push(() => socket.destroy());
    const reader = new RecordReader(cryptography);
    const writer = new RecordWriter(cryptography);
    socket.on('data', (chunk) => {
      const result = reader.push(chunk);
      if (!result.ok) return void socket.destroy();
      for (const request of result.payloads) {
        expect(request[0]).toBe(EXCHANGE_VERSION);
        reply(request.subarray(1), (payload) => void socket.write(writer.write(payload)), socket);
      }
    });
  });
  return listen(server);
}

const answer = (nonce: Uint8Array, kind: number, rows = new Uint8Array(0)): Uint8Array =>
  Buffer.concat([nonce, Uint8Array.of(kind), rows]);

function ask(port: number, change: { maxConnections?: number; cryptography?: NodeCryptography } = {}) {
  const lists: ConnectionList[] = [];
  const result = askForConnections({
    host: '127.0.0.1',
    port,
    cryptography: bulk(),
    acceptTimeoutMs: 300,
    answerTimeoutMs: 300,
    maxConnections: 10,
    onRows: (list) => lists.push(list),
    ...change,
  });
  return { lists, result };
}

const ROW = Uint8Array.of(10, 0, 0, 100, 0, 80, 10, 9, 0, 2, 0x9c, 0x40, 1);

describe('asking a member for its connections (S9)', () => {
  it('hands on the rows', async () => {
    const port = await member((nonce, send) => {
      send(answer(nonce, AnswerKind.accepted));
      send(answer(nonce, AnswerKind.rows, Buffer.concat([ROW, ROW])));
      send(answer(nonce, AnswerKind.end));
    });
    const { lists, result } = ask(port);
    expect(await result).toEqual({ ok: true, connections: 2 });
    expect(lists).toHaveLength(1);
    expect(lists[0]?.localAddress[1]).toBe(parseIpv4('10.0.0.100'));
    expect(lists[0]?.clientAddress[0]).toBe(parseIpv4('10.9.0.2'));
    expect([lists[0]?.localPort[0], lists[0]?.clientPort[0], lists[0]?.state[0]]).toEqual([80, 40_000, 1]);
  });

  it.each([
    ['another nonce', (send: (p: Uint8Array) => void) => send(answer(randomBytes(NONCE_BYTES), 0))],
    ['half a row', (send, nonce) => send(answer(nonce, AnswerKind.rows, ROW.subarray(1)))],
    ['an unknown kind', (send, nonce) => send(answer(nonce, 9))],
    ['less than a head', (send) => send(new Uint8Array(ANSWER_HEAD_BYTES - 1))],
  ] as [string, (send: (p: Uint8Array) => void, nonce: Uint8Array) => void][])(
    'does not believe %s',
    async (_, misbehave) => {
      const port = await member((nonce, send) => misbehave(send, nonce));
      expect(await ask(port).result).toEqual({ ok: false, failure: 'not-authentic' });
    },
  );

  it('does not believe who has another key', async () => {
    const stranger = new NodeCryptography([randomBytes(32)], 'bulk');
    const server = createServer((socket) => {
      cleanups.push(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.write(new RecordWriter(stranger).write(new Uint8Array(ANSWER_HEAD_BYTES)));
    });
    expect(await ask(await listen(server)).result).toEqual({ ok: false, failure: 'not-authentic' });
  });

  it('takes no more connections than it has room for', async () => {
    const port = await member((nonce, send) =>
      send(answer(nonce, AnswerKind.rows, Buffer.concat(Array.from({ length: 11 }, () => ROW)))),
    );
    expect(await ask(port).result).toEqual({ ok: false, failure: 'too-many' });
  });

  it('gives up on silence, refusal and an answer that breaks off', async () => {
    expect(await ask(await member(() => undefined)).result).toEqual({ ok: false, failure: 'timeout' });
    const stuck = await member((nonce, send) => send(answer(nonce, AnswerKind.accepted)));
    expect(await ask(stuck).result).toEqual({ ok: false, failure: 'timeout' });
    const ended = await member((_, __, socket) => socket.end());
    expect(await ask(ended).result).toEqual({ ok: false, failure: 'broken-off' });
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await ask(port).result).toEqual({ ok: false, failure: 'unreachable' });
  });
});
