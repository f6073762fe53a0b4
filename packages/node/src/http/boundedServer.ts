/** What all HTTP servers of a node have in common, whatever they answer: bounds, listening, closing. */
import type { Server } from 'node:http';
import type { AddressInfo, Server as SocketServer } from 'node:net';
import type { HostPort } from '../config/hostPort.js';

/** A request that is not there in whole by then is given up. */
const REQUEST_TIMEOUT_MS = 5000;

export interface TcpServer {
  readonly port: number;
  /** Ends all conversations. */
  close(): Promise<void>;
}

/** Whoever sends no requests, slow ones, or holds many conversations open, costs little. */
export function boundServer(server: Server, mostConnections: number): void {
  server.maxConnections = mostConnections;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.on('clientError', (_error, client) => client.destroy());
  // An expectation that nobody knows may be passed over (RFC 9110, section 10.1.1). Node itself would answer, before anybody has
  // asked for a token, and keep the conversation open.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

/** After listening has succeeded: accepting one conversation may fail (EMFILE), and the next one succeed. */
export function forgiveAccepting(server: SocketServer): void {
  server.on('error', () => undefined);
}

/** Bounds it and listens. Rejects when it cannot. @param port 0: one that is free */
export async function listenOverTcp(
  server: Server,
  { host, port, mostConnections }: HostPort & { readonly mostConnections: number },
): Promise<TcpServer> {
  boundServer(server, mostConnections);
  return { port: await listenAt(server, { host, port }), close: () => closeServer(server) };
}

/** Listens, whatever the server answers. Rejects when it cannot. @returns the port, which was free if `port` is 0 */
export async function listenAt(server: SocketServer, { host, port }: HostPort): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  forgiveAccepting(server);
  return (server.address() as AddressInfo).port;
}

/** Ends all conversations, streams as well. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
