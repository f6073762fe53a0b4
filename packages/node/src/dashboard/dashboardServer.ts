/** The dashboard: a few files, and the parts of the control API that they need. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { FILES, ROOT } from '@ringmaster/dashboard';
import type { HostPort } from '../config/hostPort.js';
import { listenOverTcp, type TcpServer } from '../http/boundedServer.js';
import { EventStreams } from '../control/eventStream.js';
import { respond } from '../control/server.js';
import type { ControlProviders } from '../control/routes.js';
import { type AccessRules, judge } from './access.js';

export interface DashboardOptions extends AccessRules, HostPort {
  readonly providers: ControlProviders;
}

const MOST_CONNECTIONS = 128;
const API = '/api';
/** What the page asks for below that. */
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
export async function startDashboard(options: DashboardOptions): Promise<TcpServer> {
  const files = new Map(
    FILES.map(({ path, file, type }) => [path, { type, bytes: readFileSync(new URL(file, ROOT)) }]),
  );
  const streams = new EventStreams(options.providers.events);
  const server = createServer((request, response) => {
    handle(request, response, { options, files, streams }).catch(() => response.destroy());
  });
  const { host, port } = options;
  return listenOverTcp(server, { host, port, mostConnections: MOST_CONNECTIONS });
}

interface Parts {
  readonly options: DashboardOptions;
  readonly files: ReadonlyMap<string, { readonly type: string; readonly bytes: Buffer }>;
  readonly streams: EventStreams;
}

async function handle(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const { method = '', url = '' } = request;
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const refuse = (status: number, code: string, message: string): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ error: { code, message } })}\n`);
  };
  const refused = judge(method, request.headers, parts.options);
  if (refused !== undefined) {
    const { status, code, message } = refused;
    if (status === 401) response.setHeader('www-authenticate', 'Basic realm="Ringmaster", charset="UTF-8"');
    return refuse(status, code, message);
  }
  const path = url.split('?')[0];
  const file = parts.files.get(path);
  if (file !== undefined && method === 'GET') {
    response.writeHead(200, { 'content-type': file.type }).end(file.bytes);
    return;
  }
  const below = path.startsWith(API) ? path.slice(API.length) : '';
  if (!READ.includes(below) && !CHANGED.includes(below))
    return refuse(404, 'unknown-path', 'there is no such page');
  const { streams, options } = parts;
  await respond(request, response, { providers: options.providers, streams, target: url.slice(API.length) });
}
