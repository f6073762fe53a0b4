import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';

/** The outcome of one check of a service. */
export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** A service works when it answers with a status of 2xx (S11). Never rejects; the body is not read. */
export function checkHttp(url: string, timeoutMs: number): Promise<CheckResult> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const fail = (why: string): void => resolve({ ok: false, why });
    const request = send(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      const status = response.statusCode ?? 0;
      response.destroy();
      if (status >= 200 && status < 300) resolve({ ok: true });
      else fail(`${url} answered ${status}, expected 2xx`);
    });
    request.on('error', (error) => fail(`${url}: ${reasonOf(error, timeoutMs)}`));
    request.end();
  });
}

/** A service works when it accepts a connection. Never rejects. */
export function checkTcp(target: string, timeoutMs: number): Promise<CheckResult> {
  const at = target.lastIndexOf(':');
  const host = target.slice(0, at).replace(/^\[|\]$/g, '');
  const port = Number(target.slice(at + 1));
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal: AbortSignal.timeout(timeoutMs) });
    socket.on('connect', () => {
      resolve({ ok: true });
      socket.destroy();
    });
    socket.on('error', (error) => resolve({ ok: false, why: `${target}: ${reasonOf(error, timeoutMs)}` }));
  });
}

function reasonOf(error: Error, timeoutMs: number): string {
  const aborted = error.name === 'AbortError' || error.name === 'TimeoutError';
  return aborted ? `no answer within ${timeoutMs} ms` : error.message;
}
