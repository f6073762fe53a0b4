/** Asking a node over its control socket. */
import { request } from 'node:http';
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

function fetchText(socket: string, path: string, body: unknown): Promise<{ status: number; text: string }> {
  const posted = body === undefined ? undefined : JSON.stringify(body);
  const method = posted === undefined ? 'GET' : 'POST';
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, path, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        sizeBytes += chunk.length;
        if (sizeBytes > LARGEST_ANSWER_BYTES) asked.destroy(new Error('its answer has no end'));
      });
      response.on('end', () => {
        clearTimeout(deadline);
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
      });
    });
    const late = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
    const deadline = setTimeout(() => asked.destroy(late), TIMEOUT_MS);
    asked.on('error', (error) => {
      clearTimeout(deadline);
      reject(error);
    });
    asked.end(posted);
  });
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
    const asked = request({ socketPath: socket, path, agent: false }, (response) => {
      clearTimeout(deadline);
      const chunks: string[] = [];
      if (response.statusCode !== 200) {
        response.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
        response.on('end', () => resolve(controlProblem('refused', refusalOf(chunks.join('')))));
        return;
      }
      const lines = createInterface({ input: response });
      const end = (): void => resolve({ ok: true, value: undefined });
      lines.on('line', (line) => line !== '' && onLine(line));
      lines.on('close', end).on('error', end); // readline passes on that the other side has broken off
      response.on('error', end);
    });
    const late = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
    const deadline = setTimeout(() => asked.destroy(late), TIMEOUT_MS);
    asked.on('error', (error) => {
      clearTimeout(deadline);
      fail(error);
    });
    asked.end();
  });
}

function refusalOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    return error?.message ?? text;
  } catch {
    return text;
  }
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
    const { status, text } = await fetchText(socket, path, body);
    const answered = JSON.parse(text) as T & { error?: { message?: string } };
    if (status === 200) return { ok: true, value: answered };
    return controlProblem('refused', answered.error?.message ?? `the node answered ${status}`);
  } catch (error) {
    return connectionProblem(socket, error as NodeJS.ErrnoException);
  }
}
