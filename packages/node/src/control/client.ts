/** Asking a node, over its control socket or over TCP. */
import { request as overHttp, type IncomingMessage } from 'node:http';
import { request as overHttps, type RequestOptions } from 'node:https';
import { createInterface } from 'node:readline';
import { type ControlPlace, connectionProblem, strangerProblem } from './place.js';
import { controlProblem, type ControlResult } from './problem.js';

const TIMEOUT_MS = 5000;
/** A million connections are about 150 bytes each. */
const LARGEST_ANSWER_BYTES = 256 * 1024 * 1024;

interface Question {
  readonly place: ControlPlace;
  readonly path: string;
  /** Posted as JSON; `undefined`: the path is read. */
  readonly body?: unknown;
}

/** How a place is reached, and who it is that asks. */
function optionsOf(place: ControlPlace): RequestOptions {
  if (typeof place === 'string') return { socketPath: place };
  const { url, token, ca, certificate: cert, key } = place;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
  };
}

const isEncrypted = (place: ControlPlace): boolean =>
  typeof place !== 'string' && place.url.protocol === 'https:';

/** Asks; `hear` gets the head of the answer, and says when it has come in time. `fail` may be called after that as well. */
function ask(
  { place, path, body }: Question,
  hear: (response: IncomingMessage, inTime: () => void) => void,
  fail: (error: NodeJS.ErrnoException) => void,
): void {
  const posted = body === undefined ? undefined : JSON.stringify(body);
  const method = posted === undefined ? 'GET' : 'POST';
  const inTime = (): void => clearTimeout(deadline);
  const request = isEncrypted(place) ? overHttps : overHttp;
  const asked = request({ ...optionsOf(place), path, method, agent: false }, (response) =>
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
function refusalOf(place: ControlPlace, status: number, text: string): ControlResult<never> {
  if (status === 401) return strangerProblem(place);
  const answer = JSON.parse(text) as { error?: { message?: string } };
  const { problem } = controlProblem('refused', answer.error?.message ?? `the node answered ${status}`);
  return { ok: false, problem: { ...problem, answer } };
}

/**
 * Reads lines for as long as they come, such as those of `/events`.
 * @param place its control socket, or where it listens over TCP
 * @param onLine called with each; empty ones are left out
 * @returns a problem, or `ok` when the answer has ended, by the node's wish or with it
 */
export function controlLines(
  place: ControlPlace,
  path: string,
  onLine: (line: string) => void,
): Promise<ControlResult<undefined>> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve(connectionProblem(place, error, TIMEOUT_MS));
    const hear = (response: IncomingMessage, inTime: () => void): void => {
      inTime();
      const status = response.statusCode ?? 0;
      if (status !== 200) {
        textOf(response)
          .then((text) => resolve(refusalOf(place, status, text)))
          .catch(fail);
        return;
      }
      const lines = createInterface({ input: response });
      const end = (): void => resolve({ ok: true, value: undefined });
      lines.on('line', (line) => line !== '' && onLine(line));
      lines.on('close', end).on('error', end); // readline passes on that the other side has broken off
      response.on('error', end);
    };
    ask({ place, path }, hear, fail);
  });
}

/**
 * Reads a document from a node, or posts one to it.
 * @param place its control socket, or where it listens over TCP
 * @param path such as `/status` or `/connections?limit=10`
 * @param body posted as JSON; `undefined`: the path is read
 */
export async function controlRequest<T = unknown>(
  place: ControlPlace,
  path: string,
  body?: unknown,
): Promise<ControlResult<T>> {
  try {
    const { status, text } = await fetchText({ place, path, body });
    return status === 200 ? { ok: true, value: JSON.parse(text) as T } : refusalOf(place, status, text);
  } catch (error) {
    return connectionProblem(place, error as NodeJS.ErrnoException, TIMEOUT_MS);
  }
}
