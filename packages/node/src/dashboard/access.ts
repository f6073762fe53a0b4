/** Who may see the dashboard, and who may change something by it: decided from a request's head alone. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

export interface AccessRules {
  /** The host that the dashboard listens at, as the configuration has it. */
  readonly host: string;
  /** Absent: everybody who can reach it may look. */
  readonly token?: string;
  /** Whether anything can be changed here. */
  readonly allowChanges: boolean;
}

export interface Refusal {
  readonly status: 401 | 403 | 415;
  readonly code: string;
  readonly message: string;
}

/** `undefined`: go on. */
export function judge(method: string, headers: IncomingHttpHeaders, rules: AccessRules): Refusal | undefined {
  // A name that somebody else's DNS answers with our address would make our page theirs (DNS rebinding).
  if (!isOurName(headers.host, rules.host)) {
    return refusal(403, 'foreign-host', 'call the dashboard by its address, or by localhost');
  }
  if (rules.token !== undefined && !knowsToken(headers.authorization, rules.token)) {
    return refusal(
      401,
      'no-token',
      'a password is needed: the token of the dashboard; the user does not matter',
    );
  }
  if (method === 'GET' || method === 'HEAD') return undefined;
  if (!rules.allowChanges) {
    return refusal(403, 'read-only', 'this dashboard changes nothing: dashboard.allowChanges is not set');
  }
  // Pages of other sites can send requests here, but not without saying where they are from (cross-site requests).
  const { origin } = headers;
  if (origin !== `http://${headers.host}`) {
    return refusal(403, 'foreign-origin', 'changes are taken from the dashboard itself only');
  }
  if (headers['content-type']?.split(';')[0].trim() !== 'application/json') {
    return refusal(415, 'not-json', 'expected a body of type application/json');
  }
  return undefined;
}

const refusal = (status: Refusal['status'], code: string, message: string): Refusal => ({
  status,
  code,
  message,
});

function isOurName(host: string | undefined, own: string): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host ?? '');
  const name = match?.[1] ?? match?.[2];
  if (name === undefined) return false;
  return isIP(name) !== 0 || name.toLowerCase() === 'localhost' || name.toLowerCase() === own.toLowerCase();
}

/** As browsers ask for a password (RFC 7617), or as programs show a token (RFC 6750). */
function knowsToken(authorization: string | undefined, token: string): boolean {
  const [scheme, value = ''] = (authorization ?? '').split(' ');
  if (scheme.toLowerCase() === 'bearer') return isSame(value, token);
  if (scheme.toLowerCase() !== 'basic') return false;
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  return isSame(decoded.slice(decoded.indexOf(':') + 1), token);
}

/** In a time that does not depend on where they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
