import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { StatusRange } from '../config/index.js';
import { type CheckOutcome, reasonOf } from './outcome.js';

export interface HttpCheck {
  readonly url: string;
  readonly timeoutMs: number;
  /** Which statuses are good. Default: 200 to 299. */
  readonly status?: readonly StatusRange[];
  /** Over https: whatever certificate is shown is good. */
  readonly insecure?: boolean;
  /** The service's name: sent as Host and, over https, as SNI; the certificate must be for it. Default: that of the URL. */
  readonly serverName?: string;
}

const SUCCESS: readonly StatusRange[] = [{ from: 200, to: 299 }];

/** A service works when it answers with an expected status (S11). Never rejects; the body is not read. */
export function checkHttp(check: HttpCheck): Promise<CheckOutcome> {
  const { url, timeoutMs, status: good = SUCCESS } = check;
  return new Promise((resolve) => {
    const fail = (why: string): void => resolve({ ok: false, why });
    const request = send(check, (status) => {
      if (good.some(({ from, to }) => status >= from && status <= to)) resolve({ ok: true });
      else fail(`${url} answered ${status}, expected ${describeStatuses(good)}`);
    });
    request.on('error', (error) => fail(`${url}: ${reasonOf(error, timeoutMs)}`));
    request.end();
  });
}

function send(
  { url, timeoutMs, insecure = false, serverName }: HttpCheck,
  answered: (status: number) => void,
) {
  const secure = url.startsWith('https:');
  const { host, hostname } = new URL(url);
  // Verified is the name that is asked for; an address is no name, and stands in the certificate as itself.
  const name = serverName ?? hostname.replace(/^\[|\]$/g, '');
  const options = {
    agent: false as const,
    signal: AbortSignal.timeout(timeoutMs),
    headers: { host: serverName ?? host, 'user-agent': 'ringmaster-health' },
    ...(secure && { rejectUnauthorized: !insecure, servername: /[:]|^[\d.]+$/.test(name) ? '' : name }),
  };
  return (secure ? httpsRequest : httpRequest)(url, options, (response) => {
    const status = response.statusCode ?? 0;
    response.destroy();
    answered(status);
  });
}

/** `2xx`, `204`, `200-299 or 404` */
export function describeStatuses(ranges: readonly StatusRange[]): string {
  const words = ranges.map(({ from, to }) => {
    if (from === to) return String(from);
    return from % 100 === 0 && to === from + 99 ? `${from / 100}xx` : `${from}-${to}`;
  });
  return words.join(' or ');
}
