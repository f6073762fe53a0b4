/** The control API over TCP: for those who show the token or a certificate, and nobody else. */
import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { HostPort } from '../config/hostPort.js';
import { listenOverTcp, type TcpServer } from '../http/boundedServer.js';
import { knowsToken } from './credentials.js';
import { EventStreams } from './eventStream.js';
import type { ControlProviders } from './routes.js';
import { respond } from './server.js';

export interface TlsFiles {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** Whoever shows a certificate that this signed is let in. */
  readonly clientCa?: string;
}

export interface TcpControlOptions extends HostPort {
  /** Absent: certificates alone decide, and `tls.clientCa` is there. */
  readonly token?: string;
  /** Absent: it goes over the wire as it is. */
  readonly tls?: TlsFiles;
  readonly providers: ControlProviders;
}

const MOST_CONNECTIONS = 64;
const MOST_HEADER_BYTES = 16 * 1024;

/** Rejects when it cannot listen there, or with certificates that are none. */
export async function startTcpControl(options: TcpControlOptions): Promise<TcpServer> {
  const { host, port, token, tls, providers } = options;
  const streams = new EventStreams(providers.events);
  const listener: RequestListener = (request, response) => {
    response.setHeader('connection', 'close');
    if (token !== undefined && !knowsToken(request.headers.authorization, token)) {
      // What is not read of a stranger's body costs nothing.
      response.writeHead(401, {
        'content-type': 'application/json',
        'www-authenticate': 'Bearer realm="Ringmaster"',
      });
      const message = 'expected the token of the control API: Authorization: Bearer TOKEN';
      response.end(`${JSON.stringify({ error: { code: 'no-token', message } })}\n`);
      return;
    }
    respond(request, response, { providers, streams }).catch(() => response.destroy());
  };
  return listenOverTcp(makeServer(tls, listener), { host, port, mostConnections: MOST_CONNECTIONS });
}

function makeServer(tls: TlsFiles | undefined, listener: RequestListener): Server {
  const limits = { maxHeaderSize: MOST_HEADER_BYTES };
  if (tls === undefined) return createHttp(limits, listener);
  const { certificate: cert, key, clientCa } = tls;
  const wanted = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return createHttps({ ...limits, cert, key, minVersion: 'TLSv1.2', ...wanted }, listener);
}
