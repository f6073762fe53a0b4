import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  listTcpConnections,
  listTcpConnections6,
  listTcpListeners,
  parseIp,
  TcpState,
  type TcpConnections,
} from '../../src/index.js';
import { ConnectionTable } from '../../src/netlink/connectionTable.js';

const LOOPBACK = 0x7f000001;
const CLIENTS = 300;

/** Real sockets over loopback, seen as the kernel sees them. */
describe.each([
  ['IPv4', '0.0.0.0'],
  ['dual-stack', '::'],
])('connections of an %s listener', (_kind, host) => {
  let server: Server;
  let port: number;
  const clients: Socket[] = [];

  beforeAll(async () => {
    server = createServer({ allowHalfOpen: true }, () => {}).listen(0, host, 511);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    for (let i = 0; i < CLIENTS; i++) clients.push(connect({ port, host: '127.0.0.1' }));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    await until(() => listTcpConnections({ ports: [port], localAddress: LOOPBACK }).count === CLIENTS);
  });

  afterAll(() => {
    for (const client of clients) client.destroy();
    server.close();
  });

  it('lists each once, with its client', () => {
    const list = listTcpConnections({ localAddress: LOOPBACK, ports: [port] });
    expect(list).toMatchObject({ count: CLIENTS, consistent: true, limited: false });
    const ports = rows(list).map((row) => row.clientPort);
    expect(new Set(ports)).toEqual(new Set(clients.map((client) => client.localPort)));
    for (const row of rows(list)) {
      expect(row).toMatchObject({ localAddress: LOOPBACK, clientAddress: LOOPBACK, localPort: port });
      expect(row.state).toBe(TcpState.established);
    }
  });

  it('chooses by address, port and state', () => {
    expect(listTcpConnections({ localAddress: LOOPBACK + 1, ports: [port] }).count).toBe(0);
    expect(listTcpConnections({ localAddress: LOOPBACK, ports: [port, 1] }).count).toBe(CLIENTS);
    expect(listTcpConnections({ localAddress: LOOPBACK, ports: [1, 2] }).count).toBe(0);
    expect(listTcpConnections({ ports: [port], states: ['synReceived'] }).count).toBe(0);
  });

  it('stops at the limit and says so', () => {
    expect(listTcpConnections({ ports: [port], limit: 7 })).toMatchObject({ count: 7, limited: true });
  });

  it('lists the listener with its accept queue', async () => {
    await until(() => listTcpListeners([port])[0].acceptQueue === 0);
    const [listener, ...others] = listTcpListeners([port]);
    expect(others).toEqual([]);
    expect(listener).toMatchObject({ address: host, port });
    expect(listener.acceptQueueLimit).toBeGreaterThan(0);
  });

  it('sees a half-closed connection', async () => {
    clients[0].end();
    await until(() => listTcpConnections({ ports: [port], states: ['closeWait'] }).count === 1);
    expect(listTcpConnections({ ports: [port] }).count).toBe(CLIENTS);
  });
});

describe('connections over IPv6', () => {
  const LOOPBACK6 = parseIp('::1')!.bytes;
  let server: Server;
  let port: number;
  const clients: Socket[] = [];

  beforeAll(async () => {
    server = createServer(() => {}).listen(0, '::', 511);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    for (let i = 0; i < CLIENTS; i++) clients.push(connect({ port, host: '::1' }));
    clients.push(connect({ port, host: '127.0.0.1' }));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    await until(() => listTcpConnections6({ ports: [port], localAddress: LOOPBACK6 }).count === CLIENTS);
  });

  afterAll(() => {
    for (const client of clients) client.destroy();
    server.close();
  });

  it('are listed apart from those over IPv4 to the same listener', () => {
    for (const ports of [[port], [port, 1]]) {
      const list = listTcpConnections6({ localAddress: LOOPBACK6, ports });
      expect(list).toMatchObject({ family: 6, count: CLIENTS, consistent: true, limited: false });
      for (let row = 0; row < CLIENTS; row++) {
        expect(list.localAddress.subarray(16 * row, 16 * row + 16)).toEqual(LOOPBACK6);
        expect(list.clientAddress.subarray(16 * row, 16 * row + 16)).toEqual(LOOPBACK6);
        expect([list.localPort[row], list.state[row]]).toEqual([port, TcpState.established]);
      }
      const own = clients.slice(0, CLIENTS).map((client) => client.localPort);
      expect(new Set(list.clientPort.slice(0, CLIENTS))).toEqual(new Set(own));
    }
    expect(listTcpConnections({ ports: [port] })).toMatchObject({ family: 4, count: 1 });
  });

  it('are chosen by address, and limited', () => {
    const other = parseIp('::2')!.bytes;
    expect(listTcpConnections6({ localAddress: other, ports: [port] }).count).toBe(0);
    expect(listTcpConnections6({ ports: [port], limit: 7 })).toMatchObject({ count: 7, limited: true });
    expect(listTcpConnections6({ localAddress: LOOPBACK6, ports: [1] }).count).toBe(0);
  });
});

it('keeps the limit when a second listing starts over', () => {
  const table = new ConnectionTable(1);
  table.add(1, 1, 1, 1, 1);
  table.add(2, 2, 2, 2, 1);
  table.truncate(1);
  expect(table.finish(true)).toMatchObject({ count: 1, limited: true });
});

function rows(list: TcpConnections) {
  return Array.from({ length: list.count }, (_, i) => ({
    localAddress: list.localAddress[i],
    localPort: list.localPort[i],
    clientAddress: list.clientAddress[i],
    clientPort: list.clientPort[i],
    state: list.state[i],
  }));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
