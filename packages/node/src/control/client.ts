/** Asking a node over its control socket. */
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { controlProblem, type ControlResult } from './problem.js';

const TIMEOUT_MS = 5000;
/** A million connections are about 150 bytes each. */
const LARGEST_ANSWER_BYTES = 256 * 1024 * 1024;

function connectionProblem(socket: string, error: NodeJS.ErrnoException): ControlResult<never> {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED': {
      const cure =
        'start it with `ringmaster up`, or name its socket with --socket or its file with --config';
      return controlProblem('not-running', `no node answers at ${socket}; ${cure}`);
    }
    case 'EACCES':
    case 'EPERM':
      return controlProblem(
        'not-permitted',
        `${socket} may only be used by its owner; run as root or with sudo`,
      );
    case 'ETIMEDOUT':
      return controlProblem(
        'timeout',
        `the node at ${socket} did not answer within ${TIMEOUT_MS} ms; see its log`,
      );
    default:
      return controlProblem('not-a-node', `what answers at ${socket} is no node: ${error.message}`);
  }
}

interface Question {
  readonly socket: string;
  readonly path: string;
  /** Posted as JSON; `undefined`: the path is read. */
  readonly body?: unknown;
}

/** Asks; `hear` gets the head of the answer, and says when it has come in time. `fail` may be called after that as well. */
function ask(
  { socket, path, body }: Question,
  hear: (response: IncomingMessage, inTime: () => void) => void,
  fail: (error: NodeJS.ErrnoException) => void,
): void {
  const posted = body === undefined ? undefined : JSON.stringify(body);
  const method = posted === undefined ? 'GET' : 'POST';
  const inTime = (): void => clearTimeout(deadline);
  const asked = request({ socketPath: socket, path, method, agent: false }, (response) =>
    hear(response, inTime),
  );
  const late = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
  const deadline = setTimeout(() => asked.destroy(late), TIMEOUT_MS);
  asked.on('error', (error) => {
    inTime();
    fail(error);
  });
  asked.end(posted);
}

/** The whole of an answer. */
function textOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    response.on('error', reject);
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > LARGEST_ANSWER_BYTES) response.destroy(new Error('its answer has no end'));
    });
    response.on('end', () => resolve(Buffer.concat(chunks).toString()));
  });
}

function fetchText(question: Question): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const hear = (response: IncomingMessage, inTime: () => void): void => {
      textOf(response)
        .then((text) => resolve({ status: response.statusCode ?? 0, text }))
        .catch(reject)
        .finally(inTime);
    };
    ask(question, hear, reject);
  });
}

/** What a node says of a request that it refuses. Throws when it is not what a node says. */
function refusalOf(status: number, text: string): ControlResult<never> {
  const { error } = JSON.parse(text) as { error?: { message?: string } };
  return controlProblem('refused', error?.message ?? `the node answered ${status}`);
}

/**
 * Reads lines for as long as they come, such as those of `/events`.
 * @param onLine called with each; empty ones are left out
 * @returns a problem, or `ok` when the answer has ended, by the node's wish or with it
 */
export function controlLines(
  socket: string,
  path: string,
  onLine: (line: string) => void,
): Promise<ControlResult<undefined>> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve(connectionProblem(socket, error));
    const hear = (response: IncomingMessage, inTime: () => void): void => {
      inTime();
      const status = response.statusCode ?? 0;
      if (status !== 200) {
        textOf(response)
          .then((text) => resolve(refusalOf(status, text)))
          .catch(fail);
        return;
      }
      const lines = createInterface({ input: response });
      const end = (): void => resolve({ ok: true, value: undefined });
      lines.on('line', (line) => line !== '' && onLine(line));
      lines.on('close', end).on('error', end); // readline passes on that the other side has broken off
      response.on('error', end);
    };
    ask({ socket, path }, hear, fail);
  });
}

/**
 * Reads a document from the node that listens at `socket`, or posts one to it.
 * @param path such as `/status` or `/connections?limit=10`
 * @param body posted as JSON; `undefined`: the path is read
 */
export async function controlRequest<T = unknown>(
  socket: string,
  path: string,
  body?: unknown,
): Promise<ControlResult<T>> {
  try {
    const { status, text } = await fetchText({ socket, path, body });
    return status === 200 ? { ok: true, value: JSON.parse(text) as T } : refusalOf(status, text);
  } catch (error) {
    return connectionProblem(socket, error as NodeJS.ErrnoException);
  }
}
