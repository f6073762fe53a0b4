import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { OrderRequest } from '../../src/control/index.js';
import { startTcpControl, type TcpControlOptions } from '../../src/control/tcpServer.js';
import { startMetricsServer } from '../../src/metrics/metricsServer.js';
import { provide } from './providers.js';

const TOKEN = 'a long random text';
const pem = (name: string): string => readFileSync(new URL(`../health/tls/${name}`, import.meta.url), 'utf8');

let port: number;
let ordered: OrderRequest[];
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(more: Partial<TcpControlOptions> = {}): Promise<void> {
  ordered = [];
  const providers = provide(ordered);
  const server = await startTcpControl({ host: '127.0.0.1', port: 0, providers, ...more });
  port = server.port;
  closers.push(() => server.close());
}

function ask(
  options: RequestOptions,
  body?: string,
  request = httpRequest,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent: false, ...options }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const ORDER = JSON.stringify({ addresses: ['10.0.0.12'] });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('the control API over TCP', () => {
  it('gives nothing to whoever has no token', async () => {
    await start({ token: TOKEN });
    for (const headers of [{}, bearer(''), bearer('wrong'), bearer(`${TOKEN}.`), { authorization: TOKEN }]) {
      for (const path of ['/status', '/events', '/nowhere', '/metrics']) {
        const { status, text } = await ask({ path, headers });
        expect({ path, status }).toEqual({ path, status: 401 });
        expect(text).not.toContain('10.0.0.11');
      }
      expect((await ask({ path: '/drain', method: 'POST', headers }, ORDER)).status).toBe(401);
    }
    expect(ordered).toEqual([]);
  });

  it('is the same as on the socket for whoever has it', async () => {
    await start({ token: 'abc' });
    const headers = bearer('abc');
    expect((await ask({ path: '/status', headers })).text).toContain('10.0.0.11');
    expect((await ask({ path: '/metrics', headers })).text).toBe('ringmaster_role 1\n');
    expect((await ask({ path: '/nowhere', headers })).status).toBe(404);
    expect((await ask({ path: '/drain', method: 'POST', headers }, ORDER)).status).toBe(200);
    expect(ordered.length).toBe(1);
  });

  it('takes a token of several words, and a browser that sends it as a password', async () => {
    await start({ token: TOKEN });
    expect((await ask({ path: '/status', headers: bearer(TOKEN) })).status).toBe(200);
    const authorization = `Basic ${Buffer.from(`anybody:${TOKEN}`).toString('base64')}`;
    expect((await ask({ path: '/status', headers: { authorization } })).status).toBe(200);
  });

  it('takes certificates instead, and refuses those without in the handshake', async () => {
    const [certificate, key] = [pem('certificate.pem'), pem('key.pem')];
    await start({ tls: { certificate, key, clientCa: certificate } });
    const asTls = httpsRequest as typeof httpRequest;
    const own = { cert: certificate, key, rejectUnauthorized: false };
    expect((await ask({ path: '/status', ...own }, undefined, asTls)).status).toBe(200);
    const without = ask({ path: '/status', ...{ rejectUnauthorized: false } }, undefined, asTls);
    await expect(without).rejects.toThrow();
    await expect(ask({ path: '/status' })).rejects.toThrow();
  });

  it('wants both where both are configured', async () => {
    const [certificate, key] = [pem('certificate.pem'), pem('key.pem')];
    await start({ token: 'abc', tls: { certificate, key, clientCa: certificate } });
    const options = { path: '/status', ...{ cert: certificate, key, rejectUnauthorized: false } };
    const asTls = httpsRequest as typeof httpRequest;
    expect((await ask(options, undefined, asTls)).status).toBe(401);
    expect((await ask({ ...options, headers: bearer('abc') }, undefined, asTls)).status).toBe(200);
  });

  it('says what is wrong with a certificate instead of listening', async () => {
    await expect(start({ tls: { certificate: 'x', key: 'y' } })).rejects.toThrow();
  });

  it('stays up under random requests: each gets an answer, none a change', { timeout: 120_000 }, async () => {
    await start({ token: 'abc' });
    const known = [
      '/status',
      '/members',
      '/connections',
      '/history',
      '/metrics',
      '/explain',
      '/drain',
      '/abdicate',
    ];
    const path = fc.oneof(
      fc.constantFrom(...known),
      fc.stringMatching(/^\/[!-~]{0,80}$/),
      fc.tuple(fc.constantFrom(...known), fc.webQueryParameters()).map((parts) => parts.join('?')),
    );
    const body = fc.oneof(fc.json(), fc.string(), fc.constant(undefined));
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS');
    // A body of unknown length after a GET would be the next request.
    const headersOf = (text = '') => ({
      ...bearer('abc'),
      'content-length': String(Buffer.byteLength(text)),
    });
    const before = process.memoryUsage().heapUsed;
    await fc.assert(
      fc.asyncProperty(method, path, body, async (method, path, body) => {
        const { status, text } = await ask({ method, path, headers: headersOf(body) }, body);
        expect([200, 400, 404, 405, 409, 413]).toContain(status);
        if (status !== 200)
          expect(JSON.parse(text)).toMatchObject({ error: { code: expect.any(String) as string } });
      }),
      { numRuns: 2000 },
    );
    expect(ordered).toEqual([]);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 * 1024);
  });

  it('stays up when bytes come that are no requests', { timeout: 60_000 }, async () => {
    await start({ token: 'abc' });
    const head = fc.constantFrom(
      '',
      'GET /status HTTP/1.1\r\n',
      'POST /drain HTTP/1.1\r\ncontent-length: 9999\r\n\r\n',
    );
    await fc.assert(
      fc.asyncProperty(head, fc.uint8Array({ maxLength: 400 }), async (text, bytes) => {
        await new Promise<void>((resolve) => {
          const socket = connect(port, '127.0.0.1', () => {
            socket.write(text);
            socket.end(bytes);
          });
          socket.on('error', () => undefined).on('close', () => resolve());
          socket.resume();
        });
      }),
      { numRuns: 500 },
    );
    expect((await ask({ path: '/status', headers: bearer('abc') })).status).toBe(200);
    expect(ordered).toEqual([]);
  });

  it('refuses a body without end', async () => {
    await start({ token: 'abc' });
    const { status } = await ask(
      { path: '/drain', method: 'POST', headers: bearer('abc') },
      'x'.repeat(300_000),
    );
    expect(status).toBe(413);
  });
});

it('the port for metrics answers that and nothing else', async () => {
  const metrics = { contentType: 'text/plain; version=0.0.4', text: async () => 'ringmaster_role 1\n' };
  const server = await startMetricsServer({ host: '127.0.0.1', port: 0 }, metrics);
  closers.push(() => server.close());
  ({ port } = server);
  expect(await ask({ path: '/metrics' })).toEqual({ status: 200, text: 'ringmaster_role 1\n' });
  expect((await ask({ path: '/status' })).status).toBe(404);
  expect((await ask({ path: '/drain', method: 'POST' }, ORDER)).status).toBe(404);
  expect((await ask({ path: '/metrics', method: 'DELETE' })).status).toBe(405);
});
