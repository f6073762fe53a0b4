import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExplainRequest } from '../../src/control/explainRequest.js';
import {
  controlRequest,
  startControlServer,
  type ControlProviders,
  type ControlServer,
  type OrderRequest,
  type StatusDocument,
} from '../../src/control/index.js';
import { History } from '../../src/history/history.js';
import { EventLog } from '../../src/events/eventLog.js';

const STATUS: StatusDocument = {
  address: '10.0.0.11',
  id: 1,
  role: 'dispatcher',
  ring: {
    createdAt: 1,
    dispatcher: '10.0.0.11',
    members: [{ address: '10.0.0.11', id: 1, mac: '02:00:00:00:00:11', role: 'dispatcher', active: true }],
  },
  connections: { total: 2, halfOpen: 0, established: 2, closing: 0 },
  rebuild: { state: 'idle', percent: 100, ms: 0 },
  counters: { forwarded: 10, held: 0, dropped: { unknownConnection: 1 } },
};

const PROVIDERS: ControlProviders = {
  get events() {
    return events;
  },
  history: new History(),
  metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'ringmaster_role 1\n' },
  status: () => STATUS,
  connections: async (limit) => {
    if (limit === 666) throw new Error('the data plane is gone');
    return { total: limit, connections: [] };
  },
  reload: async () => ({ ok: true, document: { outcome: 'unchanged', changes: [], warnings: [] } }),
  order: async (request) => {
    if (request.addresses.includes('10.0.0.99')) return { ok: false, message: '10.0.0.99 is no member' };
    if (request.addresses.includes('10.0.0.98'))
      return { ok: false, message: 'too many wait', retryAfterS: 2 };
    ordered.push(request);
    return {
      ok: true,
      document: { servers: request.addresses.map((address) => ({ address, outcome: 'done' })) },
    };
  },
  explain: async (request) => {
    asked.push(request);
    if (request.kind === 'packet' && request.cluster.port === 666)
      return { ok: false, message: 'no such cluster' };
    return { ok: true, document: { dispatching: true, dispatcher: '10.0.0.11', frames: [] } };
  },
};
const events = new EventLog({ nowMs: () => 0 });
const ordered: OrderRequest[] = [];
const asked: ExplainRequest[] = [];

let directory: string;
let socket: string;
const servers: ControlServer[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-control-'));
  socket = join(directory, 'node.sock');
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  rmSync(directory, { recursive: true });
});

async function start(): Promise<ControlServer> {
  const result = await startControlServer(socket, PROVIDERS);
  if (!result.ok) throw new Error(result.problem.message);
  servers.push(result.value);
  return result.value;
}

describe('a running node', () => {
  it('answers its status, its members and its connections', async () => {
    await start();
    expect(await controlRequest(socket, '/status')).toEqual({ ok: true, value: STATUS });
    expect(await controlRequest(socket, '/members')).toEqual({
      ok: true,
      value: { members: STATUS.ring.members },
    });
    expect(await controlRequest(socket, '/connections')).toMatchObject({ value: { total: 100 } });
    expect(await controlRequest(socket, '/connections?limit=7')).toMatchObject({ value: { total: 7 } });
  });

  it('lets only its owner in, and removes the socket when it stops', async () => {
    const server = await start();
    expect((lstatSync(socket).mode & 0o777).toString(8)).toBe('600');
    await server.close();
    expect(existsSync(socket)).toBe(false);
  });

  it.each([
    [
      '/stauts',
      'there is no /stauts; there is /status, /members, /connections, /history, /metrics, /events, /openapi.json, /drain, /undrain, /abdicate, /reload, /explain',
    ],
    ['/connections?limit=0', 'limit: expected a whole number from 1 to 1000000, found "0"'],
    ['/connections?limit=1e3', 'limit: expected a whole number from 1 to 1000000, found "1e3"'],
    ['/status?limit=1', '/status knows no parameter limit; it knows none'],
    ['/drain', '/drain is told with POST, not GET'],
    ['/connections?limit=666', 'the node could not answer: the data plane is gone'],
    ['//', 'the path is not one'],
  ])('refuses %s in words', async (path, message) => {
    await start();
    expect(await controlRequest(socket, path)).toMatchObject({
      ok: false,
      problem: { code: 'refused', message },
    });
  });

  it('does what is posted to it, in words that it has checked', async () => {
    await start();
    ordered.length = 0;
    const addresses = ['10.0.0.11', '10.0.0.12'];
    const servers = addresses.map((address) => ({ address, outcome: 'done' }));
    expect(await controlRequest(socket, '/drain', { addresses, deadlineMs: 60_000 })).toEqual({
      ok: true,
      value: { servers },
    });
    expect(await controlRequest(socket, '/undrain', { addresses })).toMatchObject({ ok: true });
    await controlRequest(socket, '/abdicate', { addresses: ['10.0.0.11'], forMs: 0 });
    expect(ordered).toEqual([
      { action: 'drain', addresses, durationMs: 60_000 },
      { action: 'undrain', addresses, durationMs: undefined },
      { action: 'abdicate', addresses: ['10.0.0.11'], durationMs: 0 },
    ]);
  });

  const LIST = 'addresses: expected a list of 1 to 254 IPv4 addresses of members';
  it.each([
    ['/drain', {}, LIST],
    ['/drain', { addresses: [] }, LIST],
    ['/drain', { addresses: ['10.0.0.256'] }, LIST],
    ['/drain', { addresses: '10.0.0.11' }, LIST],
    ['/undrain', { addresses: new Array(255).fill('10.0.0.11') }, LIST],
    ['/abdicate', { addresses: ['10.0.0.11', '10.0.0.12'] }, 'addresses: expected the address of one member'],
    ['/drain', [], 'the body: expected an object with the keys addresses, deadlineMs'],
    [
      '/drain',
      { addresses: ['10.0.0.11'], deadline: 1 },
      'the body knows no key deadline; it knows addresses, deadlineMs',
    ],
    ...[-1, 1.5, '60', 1e12].map((deadlineMs) => [
      '/drain',
      { addresses: ['10.0.0.11'], deadlineMs },
      'deadlineMs: expected milliseconds (a whole number from 0 to 604800000)',
    ]),
    ['/drain', { addresses: ['10.0.0.99'] }, '10.0.0.99 is no member'],
    ['/drain', { addresses: ['x'.repeat(270_000)] }, 'the body is longer than 262144 bytes'],
  ] as [string, unknown, string][])(
    'refuses %s %j in words, and does nothing',
    async (path, body, message) => {
      await start();
      ordered.length = 0;
      expect(await controlRequest(socket, path, body)).toMatchObject({
        ok: false,
        problem: { code: 'refused', message },
      });
      expect(ordered).toEqual([]);
    },
  );

  it('says which method it wants', async () => {
    await start();
    const { status, allow, body } = await new Promise<{ status?: number; allow?: string; body: string }>(
      (resolve, reject) => {
        const asked = request({ socketPath: socket, path: '/status', method: 'POST' }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () =>
            resolve({ status: response.statusCode!, allow: response.headers.allow!, body: text }),
          );
        });
        asked.on('error', reject).end('a body that nobody wants');
      },
    );
    expect({ status, allow }).toEqual({ status: 405, allow: 'GET' });
    expect(JSON.parse(body)).toEqual({
      error: { code: 'wrong-method', message: '/status is read with GET, not POST' },
    });
  });

  it('says when to come again when too many orders wait', async () => {
    await start();
    const answered = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ socketPath: socket, path: '/drain', method: 'POST' }, resolve)
        .on('error', reject)
        .end(JSON.stringify({ addresses: ['10.0.0.98'] }));
    });
    expect([answered.statusCode, answered.headers['retry-after']]).toEqual([503, '2']);
    expect(await json(answered)).toEqual({ error: { code: 'busy', message: 'too many wait' } });
  });

  it('survives bytes that are no request', async () => {
    await start();
    await new Promise<void>((resolve) => {
      const client = connect(socket, () => client.write('\u0000\u0001 nonsense\r\n\r\n'));
      client.on('close', () => resolve()).on('error', () => undefined);
    });
    expect(await controlRequest(socket, '/status')).toMatchObject({ ok: true });
  });
});

describe('opening the socket', () => {
  it('is refused while another node answers there', async () => {
    await start();
    expect(await startControlServer(socket, PROVIDERS)).toEqual({
      ok: false,
      problem: {
        code: 'already-running',
        message: `a node already runs here, it answers at ${socket}; stop it first, or give this one another control.socket`,
      },
    });
    expect(await controlRequest(socket, '/status')).toMatchObject({ ok: true });
  });

  it('lets no other user of the host in', async () => {
    chmodSync(directory, 0o755);
    await start();
    expect(lstatSync(socket).mode & 0o777).toBe(0o600);
    expect(lstatSync(socket).uid).toBe(process.getuid?.());
    // Only root can try it as somebody else; for others the rights say all that the kernel goes by.
    if (process.getuid?.() !== 0) return;
    const program = `require('http').request({ socketPath: ${JSON.stringify(socket)}, path: '/drain', method: 'POST' })
      .on('error', ({ code }) => console.log(code)).on('response', ({ statusCode }) => console.log(statusCode))
      .end('{"addresses":["10.0.0.11"]}')`;
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', program];
    const { stdout } = spawnSync('setpriv', nobody, { encoding: 'utf8', timeout: 10_000 });
    expect(stdout).toBe('EACCES\n');
    expect(ordered.some(({ action }) => action === 'drain')).toBe(false);
  });

  it('replaces the socket of a dead process', async () => {
    const program = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 9))`;
    spawnSync(process.execPath, ['-e', program]);
    expect(existsSync(socket)).toBe(true);
    await start();
    expect(await controlRequest(socket, '/status')).toMatchObject({ ok: true });
  });

  it('never removes what is no socket', async () => {
    writeFileSync(socket, 'precious');
    expect(await startControlServer(socket, PROVIDERS)).toEqual({
      ok: false,
      problem: {
        code: 'socket-unusable',
        message: `${socket} is there and is no socket; remove it or set control.socket`,
      },
    });
    expect(existsSync(socket)).toBe(true);
  });

  it('names a directory that is not there', async () => {
    socket = join(directory, 'nowhere', 'node.sock');
    expect(await startControlServer(socket, PROVIDERS)).toEqual({
      ok: false,
      problem: { code: 'socket-unusable', message: `${socket}: its directory does not exist; make it` },
    });
  });
});

describe('explaining', () => {
  const FLOW = { protocol: 'tcp', client: '10.9.0.2:40000', cluster: '10.0.0.100:80' };

  it('a connection in words, over either IP version', async () => {
    await start();
    asked.length = 0;
    expect(await controlRequest(socket, '/explain', FLOW)).toMatchObject({ ok: true, value: { frames: [] } });
    const six = { protocol: 'udp', client: '[2001:db8::2]:5', cluster: '[fd00::100]:53', packet: 'data' };
    expect(await controlRequest(socket, '/explain', six)).toMatchObject({ ok: true });
    expect(asked).toMatchObject([
      { kind: 'packet', client: { address: 0x0a090002, port: 40_000 }, cluster: { port: 80 } },
      { kind: 'packet', cluster: { port: 53 }, packet: 'data' },
    ]);
  });

  it('frames', async () => {
    await start();
    asked.length = 0;
    await controlRequest(socket, '/explain', { frames: ['0A0b', ''] });
    expect(asked).toMatchObject([{ kind: 'frames', frames: [Uint8Array.of(10, 11), new Uint8Array(0)] }]);
  });

  it.each([
    [{ ...FLOW, protocol: 'icmp' }, 'protocol: expected tcp or udp'],
    [{ ...FLOW, client: '10.9.0.2' }, 'client: expected an address and a port'],
    [{ ...FLOW, client: '10.9.0.2:0' }, 'client: expected an address and a port'],
    [{ ...FLOW, client: '[10.9.0.2]:1' }, 'client: expected an address and a port'],
    [{ ...FLOW, client: '[fd00::1]:1' }, 'expected both in IPv4 or both in IPv6'],
    [{ ...FLOW, cluster: 7 }, 'cluster: expected an address and a port'],
    [{ ...FLOW, packet: 'ping' }, 'packet: expected one of syn, data, fin, rst'],
    [{ ...FLOW, port: 1 }, 'knows no key port'],
    [{ frames: [] }, 'frames: expected a list of 1 to 256'],
    [{ frames: ['abc'] }, 'frames: expected a list of 1 to 256'],
    [{ frames: ['ab'], client: '' }, 'knows no key client'],
    [[], 'the body: expected an object like'],
    [{ ...FLOW, cluster: '10.0.0.100:666' }, 'no such cluster'],
  ])('%j is refused in words', async (body, message) => {
    await start();
    expect(await controlRequest(socket, '/explain', body)).toMatchObject({
      ok: false,
      problem: { code: 'refused', message: expect.stringContaining(message) },
    });
  });
});

describe('asking', () => {
  it('says when no node runs', async () => {
    expect(await controlRequest(socket, '/status')).toEqual({
      ok: false,
      problem: {
        code: 'not-running',
        message: `no node answers at ${socket}; start it with \`ringmaster up\`, or name its socket with --socket or its file with --config`,
      },
    });
  });

  it('says when something else answers', async () => {
    const stranger = createServer((client) => client.resume().end('220 mail.example\r\n'));
    await new Promise<void>((resolve) => stranger.listen(socket, resolve));
    expect(await controlRequest(socket, '/status')).toMatchObject({
      ok: false,
      problem: { code: 'not-a-node' },
    });
    await new Promise((resolve) => stranger.close(resolve));
  });
});
