import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { endTcpConnections, endTcpConnections6, listTcpConnections, listTcpConnections6 } from 'libnetraw';
import { afterEach, expect, test } from 'vitest';

/** Real sockets over the loopback of the lab world. */

let server: Server;
afterEach(() => server.close());

const COUNT = 50;

test.each([
  ['IPv4', '0.0.0.0', '127.0.0.1', listTcpConnections, endTcpConnections],
  ['IPv4 on a dual-stack socket', '::', '127.0.0.1', listTcpConnections, endTcpConnections],
  ['IPv6', '::', '::1', listTcpConnections6, endTcpConnections6],
] as const)('connections over %s are ended, and nothing else', async (_, host, target, list, end) => {
  server = createServer((socket) => socket.on('error', () => undefined));
  const other = createServer((socket) => socket.on('error', () => undefined));
  const ports = await Promise.all([server, other].map((each) => listenOn(each, host)));
  const open = (port: number) => Array.from({ length: COUNT }, () => connect({ port, host: target }));
  const [clients, spared] = ports.map(open);
  await Promise.all([...clients, ...spared].map((client) => once(client, 'connect')));
  expect(list({ ports }).count).toBe(2 * COUNT);

  const ends = clients.map((client) => new Promise((resolve) => client.once('error', resolve)));
  expect(end({ ports: [ports[0]] })).toBe(COUNT);
  for (const error of await Promise.all(ends)) expect(error).toMatchObject({ code: 'ECONNRESET' });
  expect(list({ ports: [ports[0]] }).count).toBe(0);
  expect(list({ ports: [ports[1]] }).count).toBe(COUNT);
  expect(end({ ports: [ports[0]] })).toBe(0);
  // The listening socket is still there.
  const late = connect({ port: ports[0], host: target });
  await once(late, 'connect');
  for (const client of [late, ...spared]) client.destroy();
  other.close();
});

async function listenOn(listener: Server, host: string): Promise<number> {
  listener.listen(0, host);
  await once(listener, 'listening');
  return (listener.address() as AddressInfo).port;
}
