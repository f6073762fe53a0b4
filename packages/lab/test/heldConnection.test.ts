import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { HeldConnection } from '../src/load/heldConnection.js';
import { request } from '../src/load/request.js';

const servers: Server[] = [];
const sockets: Socket[] = [];

/** A TCP server of the test's making; returns what to call. */
async function serve(onSocket: (socket: Socket) => void) {
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    onSocket(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

describe('HeldConnection', () => {
  test('learns its server from the first answer, even when it comes in pieces, and is asked one ping at a time', async () => {
    let heard = '';
    const target = await serve((socket) => {
      socket.on('data', (data) => {
        heard += String(data);
        if (!heard.includes('ping 1\n')) return;
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nn7 pi');
        setTimeout(() => socket.write('ng 1\n\r\n'), 20);
      });
    });
    const connection = await new Promise<HeldConnection>((resolve) => {
      const held = new HeldConnection(0, target, { opened: resolve, broken: () => undefined });
      held.ping(); // the first is on its way already
    });
    expect(connection.server).toBe('n7');
    expect(connection.waitingSince).toBe(0);
    expect(heard.match(/ping/g)).toHaveLength(1);
  });

  test.each(['reset', 'closed'] as const)('tells once how it ended: %s', async (how) => {
    const target = await serve((socket) => {
      socket.on('data', () => (how === 'reset' ? socket.resetAndDestroy() : socket.end()));
    });
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      new HeldConnection(0, target, {
        opened: () => undefined,
        broken: (_connection, harm) => {
          told.push(harm);
          setTimeout(resolve, 50);
        },
      });
    });
    expect(told).toEqual([how]);
  });
});

describe('request', () => {
  test.each([
    [
      'a service that answers',
      'HTTP/1.1 200 OK\r\n\r\n{"server":"n1","client":"10.9.0.2","called":"x"}\n',
      { server: 'n1', client: '10.9.0.2' },
    ],
    ['another status', 'HTTP/1.1 503 Busy\r\n\r\n', { error: '503' }],
    ['no answer at all', '', { error: 'closed' }],
    ['something else', 'HTTP/1.1 200 OK\r\n\r\n{"server":', { error: 'garbled' }],
  ])('%s', async (_name, answer, expected) => {
    const target = await serve((socket) => socket.once('data', () => socket.end(answer)));
    expect(await request(target, 5000)).toMatchObject(expected);
  });

  test('a service that keeps silent is given up', async () => {
    const target = await serve(() => undefined);
    expect(await request(target, 50)).toMatchObject({ error: 'timeout' });
  });
});
