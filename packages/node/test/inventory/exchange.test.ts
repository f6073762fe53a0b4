import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { NodeCryptography, RecordReader, RecordWriter } from '@ringmaster/transport';
import { TcpState } from 'libnetraw';
import { parseIpv4 } from 'libnetraw/wire';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionList } from '../../src/dataplane/index.js';
import { startInventoryServer } from '../../dist/inventory/inventoryServer.js';
import { askForConnections } from '../../src/inventory/ask.js';
import {
  AnswerKind,
  ANSWER_HEAD_BYTES,
  decodeRequest,
  ExchangeVersion,
  NONCE_BYTES,
} from '../../src/inventory/exchange.js';

const key = randomBytes(32);
/** Versions of the questions that members were asked. */
const asked: number[] = [];
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
        asked.push(decodeRequest(request)!.version);
        reply(request.subarray(1), (payload) => void socket.write(writer.write(payload)), socket);
      }
    });
  });
  return listen(server);
}

const answer = (nonce: Uint8Array, kind: number, rows = new Uint8Array(0)): Uint8Array =>
  Buffer.concat([nonce, Uint8Array.of(kind), rows]);

function ask(
  port: number,
  change: { maxConnections?: number; cryptography?: NodeCryptography; ipv6?: boolean } = {},
) {
  const lists: ConnectionList[] = [];
  const result = askForConnections({
    host: '127.0.0.1',
    port,
    cryptography: bulk(),
    ipv6: false,
    acceptTimeoutMs: 300,
    answerTimeoutMs: 300,
    maxConnections: 10,
    onRows: (list) => lists.push(list),
    ...change,
  });
  return { lists, result };
}

const ROW = Uint8Array.of(10, 0, 0, 100, 0, 80, 10, 9, 0, 2, 0x9c, 0x40, 1);
const ADDRESS6 = (last: number): Uint8Array => Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), last);
const ROW6 = Buffer.concat([
  ADDRESS6(1),
  Uint8Array.of(0, 80),
  ADDRESS6(2),
  Uint8Array.of(0x9c, 0x40, TcpState.closeWait),
]);

describe('asking a member for its connections (S9)', () => {
  it('hands on the rows', async () => {
    const port = await member((nonce, send) => {
      send(answer(nonce, AnswerKind.accepted));
      send(answer(nonce, AnswerKind.rows, Buffer.concat([ROW, ROW])));
      send(answer(nonce, AnswerKind.end));
    });
    const { lists, result } = ask(port);
    expect(await result).toEqual({ ok: true, connections: 2 });
    expect(asked.pop()).toBe(ExchangeVersion.ipv4);
    expect(lists).toHaveLength(1);
    expect(lists[0]?.localAddress[1]).toBe(parseIpv4('10.0.0.100'));
    expect(lists[0]?.clientAddress[0]).toBe(parseIpv4('10.9.0.2'));
    expect([lists[0]?.localPort[0], lists[0]?.clientPort[0], lists[0]?.state[0]]).toEqual([80, 40_000, 1]);
  });

  it('takes rows of IPv6 beside those of IPv4, when it has asked for them', async () => {
    const port = await member((nonce, send) => {
      send(answer(nonce, AnswerKind.rows, ROW));
      send(answer(nonce, AnswerKind.rows6, Buffer.concat([ROW6, ROW6])));
      send(answer(nonce, AnswerKind.end));
    });
    const { lists, result } = ask(port, { ipv6: true });
    expect(await result).toEqual({ ok: true, connections: 3 });
    expect(asked.pop()).toBe(ExchangeVersion.both);
    expect(lists.map(({ family, count }) => [family, count])).toEqual([
      [4, 1],
      [6, 2],
    ]);
    const [, six] = lists;
    for (const row of [0, 1]) {
      expect(six.localAddress.subarray(16 * row, 16 * row + 16)).toEqual(ADDRESS6(1));
      expect(six.clientAddress.subarray(16 * row, 16 * row + 16)).toEqual(ADDRESS6(2));
      expect([six.localPort[row], six.clientPort[row], six.state[row]]).toEqual([80, 40_000, 8]);
    }
  });

  it.each([
    ['another nonce', (send: (p: Uint8Array) => void) => send(answer(randomBytes(NONCE_BYTES), 0))],
    ['half a row', (send, nonce) => send(answer(nonce, AnswerKind.rows, ROW.subarray(1)))],
    ['half a row of IPv6', (send, nonce) => send(answer(nonce, AnswerKind.rows6, ROW6.subarray(1)))],
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

it('a question is not understood in another version or length', () => {
  const nonce = randomBytes(NONCE_BYTES);
  for (const version of Object.values(ExchangeVersion)) {
    expect(decodeRequest(Buffer.concat([Uint8Array.of(version), nonce]))).toEqual({
      version,
      nonce: Uint8Array.from(nonce),
    });
  }
  for (const version of [0, 3, 255])
    expect(decodeRequest(Buffer.concat([Uint8Array.of(version), nonce]))).toBeUndefined();
  expect(decodeRequest(Buffer.concat([Uint8Array.of(1), nonce, nonce]))).toBeUndefined();
  expect(decodeRequest(new Uint8Array(0))).toBeUndefined();
});

describe('the inventory worker', () => {
  const LOOPBACK6 = Uint8Array.of(...Array(15).fill(0), 1);

  it("tells this host's connections over IPv4 and IPv6, by place", async () => {
    const service = createServer(() => undefined);
    cleanups.push(() => service.close());
    const port = await new Promise<number>((resolve) =>
      service.listen(0, '::', () => resolve((service.address() as AddressInfo).port)),
    );
    const clients = ['127.0.0.1', '::1', '::1'].map((host) => connect(port, host));
    cleanups.push(() => clients.forEach((client) => client.destroy()));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    const free = createServer();
    const ringPort = await new Promise<number>((resolve) =>
      free.listen(0, '127.0.0.1', () => resolve((free.address() as AddressInfo).port)),
    );
    await new Promise((resolve) => free.close(resolve));
    const inventory = await startInventoryServer(
      {
        address: '127.0.0.1',
        port: ringPort,
        keys: [key],
        places: [
          { address: 0x7f000001, ports: [port] },
          { address: LOOPBACK6, ports: [port] },
          { address: LOOPBACK6, ports: [1] },
        ],
        maxConnections: 100,
      },
      () => undefined,
    );
    cleanups.push(() => inventory.close());
    const both = ask(ringPort, { ipv6: true });
    expect(await both.result).toEqual({ ok: true, connections: 3 });
    const told = both.lists.map(({ family, clientPort }) => [family, [...clientPort].sort()]);
    const ports = clients.map((client) => client.localPort!);
    expect(told).toEqual([
      [4, [ports[0]]],
      [6, ports.slice(1).sort()],
    ]);
    const old = ask(ringPort);
    expect(await old.result).toEqual({ ok: true, connections: 1 });
    // Together they get one list, each what it has asked for; one that does not wait for it disturbs nobody.
    const impatient = connect(ringPort, '127.0.0.1');
    impatient.on('connect', () => impatient.destroy());
    const together = [true, false, true].map((ipv6) => ask(ringPort, { ipv6 }));
    const results = await Promise.all(together.map(({ result }) => result));
    expect(results.map((result) => result.ok && result.connections)).toEqual([3, 1, 3]);
    expect(together[2].lists.map(({ family }) => family)).toEqual([4, 6]);
    expect(inventory.refused).toBe(0);
  });
});
