/** The dashboard: a few files, and the parts of the control API that they need. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FILES, ROOT } from '@ringmaster/dashboard';
import { EventStreams } from '../control/eventStream.js';
import { readBody } from '../control/server.js';
import { answer, type ControlProviders, tooLarge, tooManyStreams } from '../control/routes.js';
import { type AccessRules, judge } from './access.js';

export interface DashboardOptions extends AccessRules {
  readonly port: number;
  readonly providers: ControlProviders;
}

export interface DashboardServer {
  readonly port: number;
  close(): Promise<void>;
}

const MOST_CONNECTIONS = 128;
const REQUEST_TIMEOUT_MS = 5000;
/** What the page asks for, below `/api`. */
const READ = ['/status', '/history', '/events'];
const CHANGED = ['/drain', '/undrain', '/abdicate'];

/** Nothing from elsewhere, nothing in the page itself, no frames around it. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** Rejects when it cannot listen there. */
export async function startDashboard(options: DashboardOptions): Promise<DashboardServer> {
  const files = new Map(
    FILES.map(({ path, file, type }) => [path, { type, bytes: readFileSync(new URL(file, ROOT)) }]),
  );
  const streams = new EventStreams(options.providers.events);
  const server = createServer((request, response) => {
    handle(request, response, { options, files, streams }).catch(() => response.destroy());
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.on('clientError', (_error, client) => client.destroy());
  await listening(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, { host, port }: DashboardOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', () => undefined); // accepting one conversation failed: the next one may succeed
      resolve();
    });
  });
}

interface Parts {
  readonly options: DashboardOptions;
  readonly files: ReadonlyMap<string, { readonly type: string; readonly bytes: Buffer }>;
  readonly streams: EventStreams;
}

async function handle(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const { method = '', url = '' } = request;
  const json = (status: number, body: unknown, more: Record<string, string> = {}): void => {
    response.writeHead(status, { ...HEADERS, 'content-type': 'application/json', ...more });
    response.end(`${JSON.stringify(body)}\n`);
  };
  const refused = judge(method, request.headers, parts.options);
  if (refused !== undefined) {
    const { status, code, message } = refused;
    const login = { 'www-authenticate': 'Basic realm="Ringmaster", charset="UTF-8"' };
    return json(status, { error: { code, message } }, status === 401 ? login : {});
  }
  const path = url.split('?')[0];
  const file = parts.files.get(path);
  if (file !== undefined && method === 'GET') {
    response.writeHead(200, { ...HEADERS, 'content-type': file.type });
    response.end(file.bytes);
    return;
  }
  const below = path.startsWith('/api/') ? path.slice('/api'.length) : '';
  if (!READ.includes(below) && !CHANGED.includes(below)) {
    return json(404, { error: { code: 'unknown-path', message: 'there is no such page' } });
  }
  const body = await readBody(request);
  const answered =
    body === undefined
      ? tooLarge
      : await answer(method, url.slice('/api'.length), body, parts.options.providers);
  if (response.destroyed) return;
  if (answered.stream === undefined) return json(answered.status, answered.body);
  if (parts.streams.isFull) return json(tooManyStreams.status, tooManyStreams.body);
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  parts.streams.answer(answered.stream, request, response);
}
