import fc from 'fast-check';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FILES } from '@ringmaster/dashboard';
import type { ControlProviders, OrderRequest } from '../../src/control/index.js';
import { startDashboard } from '../../src/dashboard/dashboardServer.js';
import { EventLog } from '../../src/events/eventLog.js';
import type { TcpServer } from '../../src/http/boundedServer.js';
import { History } from '../../src/history/history.js';

let server: TcpServer;
let ordered: OrderRequest[];
const events = new EventLog({ nowMs: () => 0 });
afterEach(() => server.close());

async function start(more: { token?: string; allowChanges?: boolean } = {}): Promise<void> {
  ordered = [];
  const providers = {
    status: () => ({ address: '10.0.0.11' }),
    history: new History(),
    events,
    order: async (order: OrderRequest) => {
      ordered.push(order);
      return { ok: true, document: { servers: [] } };
    },
  } as unknown as ControlProviders;
  server = await startDashboard({ host: '127.0.0.1', port: 0, allowChanges: false, ...more, providers });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

function ask(path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  const method = body === undefined ? 'GET' : 'POST';
  const { port } = server;
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const ORDER = JSON.stringify({ addresses: ['10.0.0.12'] });
const own = () => ({ origin: `http://127.0.0.1:${server.port}`, 'content-type': 'application/json' });

describe('the dashboard', () => {
  it('hands out each file of the page, with its type and the rules for it', async () => {
    await start();
    for (const { path, type } of FILES) {
      const { status, headers, text } = await ask(path);
      expect({ path, status, type: headers['content-type'] }).toEqual({ path, status: 200, type });
      expect(headers['content-security-policy']).toContain("script-src 'self'");
      expect(text.length).toBeGreaterThan(0);
    }
  });

  it('has all modules that the page imports', async () => {
    await start();
    const paths = FILES.map(({ path }) => path);
    for (const path of paths.filter((each) => each.endsWith('.js'))) {
      const { text } = await ask(path);
      for (const [, name] of text.matchAll(/from '\.\/([a-z]+)\.js'/g))
        expect(paths).toContain(`/page/${name}.js`);
    }
  });

  it('answers what the page asks, and nothing else of the control API', async () => {
    await start();
    expect(JSON.parse((await ask('/api/status')).text)).toEqual({ address: '10.0.0.11' });
    expect(JSON.parse((await ask('/api/history?since=0')).text)).toEqual({ intervalMs: 1000, samples: [] });
    for (const path of [
      '/api/connections',
      '/api/metrics',
      '/status',
      '/../package.json',
      '/page/../../package.json',
    ])
      expect((await ask(path)).status, path).toBe(404);
    expect((await ask('/api/drain')).status).toBe(405);
  });

  it('changes nothing unless it may, and then only for its own page', async () => {
    await start();
    expect((await ask('/api/drain', own(), ORDER)).status).toBe(403);
    await server.close();
    await start({ allowChanges: true });
    expect((await ask('/api/drain', { ...own(), origin: 'http://evil.example' }, ORDER)).status).toBe(403);
    expect(ordered).toEqual([]);
    expect((await ask('/api/drain', own(), ORDER)).status).toBe(200);
    expect(ordered).toMatchObject([{ action: 'drain', addresses: ['10.0.0.12'] }]);
    expect((await ask('/api/drain', own(), '{}')).status).toBe(400);
    expect((await ask('/api/explain', own(), '{}')).status).toBe(404);
  });

  it('asks for the token as browsers understand it', async () => {
    await start({ token: 'abc' });
    const { status, headers } = await ask('/');
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toContain('Basic realm=');
    const authorization = `Basic ${Buffer.from('me:abc').toString('base64')}`;
    expect((await ask('/', { authorization })).status).toBe(200);
    expect((await ask('/api/events?follow=false', { authorization })).status).toBe(200);
    expect((await ask('/api/events')).status).toBe(401);
  });

  it('stays up whatever is thrown at it', { timeout: 60_000 }, async () => {
    await start({ allowChanges: true });
    const header = fc.stringMatching(/^[ -~]{0,40}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^\/[!-~]{0,60}$/),
        header,
        header,
        header,
        async (path, host, origin, body) => {
          await ask(path, { host, origin, 'content-type': 'application/json' }, body).catch(() => undefined);
        },
      ),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await new Promise<void>((resolve) => {
          const socket = connect(server.port, '127.0.0.1', () => socket.end(bytes));
          socket.on('error', () => undefined).on('close', () => resolve());
          socket.resume();
        });
      }),
      { numRuns: 200 },
    );
    expect((await ask('/api/status')).status).toBe(200);
    expect(ordered).toEqual([]);
  });
});
