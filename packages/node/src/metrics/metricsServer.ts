/** `GET /metrics` and nothing else, for a Prometheus that cannot open a Unix socket. */
import { createServer } from 'node:http';
import type { HostPort } from '../config/hostPort.js';
import { listenOverTcp, type TcpServer } from '../http/boundedServer.js';
import type { Metrics } from './metrics.js';

const MOST_CONNECTIONS = 32;

/** Rejects when it cannot listen there. */
export function startMetricsServer(
  at: HostPort,
  metrics: Pick<Metrics, 'text' | 'contentType'>,
): Promise<TcpServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      const status = path === '/metrics' ? 405 : 404;
      response.writeHead(status, { 'content-type': 'text/plain', allow: 'GET' }).end('GET /metrics\n');
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.destroy(),
    );
  });
  return listenOverTcp(server, { ...at, mostConnections: MOST_CONNECTIONS });
}
