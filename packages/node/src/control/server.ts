/** The control API: HTTP over a Unix socket that only its owner may open. */
import { chmodSync, existsSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { boundServer, closeServer, forgiveAccepting } from '../http/boundedServer.js';
import { controlProblem, type ControlResult } from './problem.js';
import { LARGEST_BODY_BYTES } from './requests.js';
import { EventStreams } from './eventStream.js';
import { answer, type ControlAnswer, type ControlProviders, tooLarge, tooManyStreams } from './routes.js';

export interface ControlServer {
  /** Ends all conversations and removes the socket. */
  close(): Promise<void>;
}

const OWNER_ONLY_UMASK = 0o177;
const MOST_CONNECTIONS = 64;

/** The body as text; `undefined` when it is longer than any that is wanted. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= LARGEST_BODY_BYTES) chunks.push(chunk);
  }
  return sizeBytes > LARGEST_BODY_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}

export interface Answering {
  readonly providers: ControlProviders;
  readonly streams: EventStreams;
  /** The path and query that count, where they are not the request's own. */
  readonly target?: string;
}

/** Answers one request, with the headers that `response` has already. Rejects when who asks breaks off. */
export async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { providers, streams, target = request.url ?? '' }: Answering,
): Promise<void> {
  const text = await readBody(request);
  const answered: ControlAnswer =
    text === undefined ? tooLarge : await answer(request.method ?? '', target, text, providers);
  if (response.destroyed) return;
  const { stream } = answered;
  if (stream !== undefined && !streams.isFull) return streams.answer(stream, request, response);
  const { status, body, allow, retryAfterS, text: plain } = stream === undefined ? answered : tooManyStreams;
  response.writeHead(status, {
    'content-type': plain?.type ?? 'application/json',
    ...(allow === undefined ? {} : { allow }),
    ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
  });
  response.end(plain?.text ?? `${JSON.stringify(body)}\n`);
}

/** Binds with the rights that the socket shall have, so that there is no moment in which others may open it. */
function listen(server: Server, socket: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    const before = process.umask(OWNER_ONLY_UMASK);
    server.listen(socket, () => {
      server.off('error', resolve);
      resolve(undefined);
    });
    process.umask(before);
  });
}

/** Whether somebody listens there. Only a refusal says no: a listener whose queue is full is one as well. */
function isAnswered(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    const end = (answered: boolean): void => {
      probe.destroy();
      resolve(answered);
    };
    probe.once('connect', () => end(true));
    probe.once('error', ({ code }: NodeJS.ErrnoException) =>
      end(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
  });
}

/** Removes the socket of a dead process. Anything else that has the name is left alone. */
async function clearWay(socket: string): Promise<ControlResult<undefined>> {
  const file = lstatSync(socket, { throwIfNoEntry: false });
  if (file === undefined) return { ok: true, value: undefined };
  if (!file.isSocket()) {
    return controlProblem(
      'socket-unusable',
      `${socket} is there and is no socket; remove it or set control.socket`,
    );
  }
  if (await isAnswered(socket)) {
    const cure = 'stop it first, or give this one another control.socket';
    return controlProblem('already-running', `a node already runs here, it answers at ${socket}; ${cure}`);
  }
  rmSync(socket, { force: true });
  return { ok: true, value: undefined };
}

function listenProblem(socket: string, { code, message }: NodeJS.ErrnoException): ControlResult<never> {
  // Asked here because libuv reports a missing directory as EACCES.
  if (!existsSync(dirname(socket))) {
    return controlProblem('socket-unusable', `${socket}: its directory does not exist; make it`);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return controlProblem(
      'not-permitted',
      `${socket} may not be made; run as root, or set control.socket elsewhere`,
    );
  }
  return controlProblem('socket-unusable', `the control socket ${socket} cannot be opened: ${message}`);
}

/**
 * Opens the control socket with mode 0600.
 * @param socket path; the socket of a dead node is replaced, that of a living one is `already-running`
 */
export async function startControlServer(
  socket: string,
  providers: ControlProviders,
): Promise<ControlResult<ControlServer>> {
  try {
    const clear = await clearWay(socket);
    if (!clear.ok) return clear;
  } catch (error) {
    return listenProblem(socket, error as NodeJS.ErrnoException);
  }
  const streams = new EventStreams(providers.events);
  const server = createServer((request, response) => {
    // Who breaks off in the middle of a body is not answered.
    response.setHeader('connection', 'close');
    respond(request, response, { providers, streams }).catch(() => response.destroy());
  });
  boundServer(server, MOST_CONNECTIONS);
  const refused = await listen(server, socket);
  if (refused !== undefined) return listenProblem(socket, refused);
  forgiveAccepting(server);
  chmodSync(socket, 0o600);
  return { ok: true, value: { close: () => closeServer(server) } };
}
