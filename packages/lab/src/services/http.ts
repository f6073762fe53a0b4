/**
 * A plain HTTP service as a node of a cluster would run it; it knows nothing of Ringmaster.
 * `node services/http.js NAME [PORT [ADDRESS]]` listens on port 80 of 0.0.0.0, unless told, and says "listening" when
 * ready. SIGUSR2 makes it ill, and well again: while it is, `GET /` answers 500, and what is open goes on.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';

/** What `GET /` answers, as JSON. */
export interface WhoAnswered {
  /** Name of the host that served the request. */
  readonly server: string;
  /** Address of the client as the service sees it. */
  readonly client: string;
  /** Address that the client called. */
  readonly called: string;
}

/** Largest body that `GET /bytes/N` sends. */
const MAX_BODY_BYTES = 1024 ** 3;
const BODY_CHUNK = Buffer.alloc(64 * 1024, 'ringmaster ');
/** More clients than Node's default queue of 511 may connect at once; the kernel caps it at somaxconn. */
const ACCEPT_QUEUE = 4096;

type Handler = (name: string, request: IncomingMessage, response: ServerResponse, url: URL) => void;

const handlers: Readonly<Record<string, Handler>> = {
  '': answerWho,
  slow: answerSlowly,
  stream: answerLines,
  bytes: answerBytes,
  digest: answerDigest,
};

let ill = false;
process.on('SIGUSR2', () => (ill = !ill));

function answerWho(name: string, request: IncomingMessage, response: ServerResponse): void {
  if (ill) {
    response.writeHead(500).end('ill\n');
    return;
  }
  const { remoteAddress: client = '', localAddress: called = '' } = request.socket;
  const who: WhoAnswered = { server: name, client: plain(client), called: plain(called) };
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify(who)}\n`);
}

/** A listener on `::` sees IPv4 clients as ::ffff:10.9.0.2. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}

/** `/slow?ms=500` answers after a while. */
function answerSlowly(name: string, request: IncomingMessage, response: ServerResponse, url: URL): void {
  const ms = Math.min(Number(url.searchParams.get('ms') ?? 1000) || 0, 60_000);
  setTimeout(() => answerWho(name, request, response), ms);
}

/** `POST /stream` sends every line back at once with the host's name in front, for as long as the client likes. */
function answerLines(name: string, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain' });
  const lines = createInterface({ input: request });
  lines.on('line', (line) => response.write(`${name} ${line}\n`));
  lines.on('error', () => undefined); // readline passes on the error of a client that breaks off
  lines.on('close', () => response.end());
}

/** `/bytes/N` sends N bytes. */
function answerBytes(_name: string, _request: IncomingMessage, response: ServerResponse, url: URL): void {
  const size = Number(url.pathname.split('/')[2]);
  if (!Number.isInteger(size) || size < 0 || size > MAX_BODY_BYTES) {
    response.writeHead(400).end(`/bytes/N wants N from 0 to ${MAX_BODY_BYTES}\n`);
    return;
  }
  response.writeHead(200, { 'content-length': size, 'content-type': 'application/octet-stream' });
  let left = size;
  const fill = () => {
    while (left > 0) {
      const chunk = left < BODY_CHUNK.length ? BODY_CHUNK.subarray(0, left) : BODY_CHUNK;
      left -= chunk.length;
      if (!response.write(chunk) && left > 0) {
        response.once('drain', fill);
        return;
      }
    }
    response.end();
  };
  fill();
}

/** `POST /digest` answers with the SHA-256 of the body. */
function answerDigest(_name: string, request: IncomingMessage, response: ServerResponse): void {
  const hash = createHash('sha256');
  request.on('data', (chunk: Buffer) => hash.update(chunk));
  request.on('end', () => response.end(`${hash.digest('hex')}\n`));
}

function main(name: string, port: number, host: string): void {
  const server = createServer((request, response) => {
    request.on('error', () => undefined); // a client that goes away is its own business
    response.on('error', () => undefined);
    const url = new URL(request.url ?? '/', 'http://host');
    const handler = handlers[url.pathname.split('/')[1]];
    response.setHeader('x-served-by', name);
    if (handler === undefined) response.writeHead(404).end('no such page\n');
    else handler(name, request, response, url);
  });
  server.requestTimeout = 0; // `/stream` requests never end
  server.keepAliveTimeout = 60_000;
  server.listen({ host, port, backlog: ACCEPT_QUEUE }, () => console.log('listening'));
}

main(process.argv[2] ?? 'unnamed', Number(process.argv[3] ?? 80), process.argv[4] ?? '0.0.0.0');
