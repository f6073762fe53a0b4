/** Where a node is asked, and what it means when nobody answers there. */
import { controlProblem, type ControlResult } from './problem.js';

/** The control API over TCP. Files are given by what is in them, as PEM. */
export interface TcpPlace {
  /** `http:` or `https:`, a host and a port; nothing else of it counts. */
  readonly url: URL;
  readonly token?: string;
  /** What the node's certificate is signed by; absent: what this host trusts. */
  readonly ca?: string;
  /** Who asks, where the node wants certificates; both or neither. */
  readonly certificate?: string;
  readonly key?: string;
}

/** The path of a control socket, or a place on the network. */
export type ControlPlace = string | TcpPlace;

/** As it is named to people. */
export const nameOf = (place: ControlPlace): string => (typeof place === 'string' ? place : place.url.origin);

/**
 * What is wrong when a place could not be asked, and what to do.
 * @param timeoutMs for how long it was waited
 */
export function connectionProblem(
  place: ControlPlace,
  error: NodeJS.ErrnoException,
  timeoutMs: number,
): ControlResult<never> {
  const name = nameOf(place);
  if (error.code === 'ETIMEDOUT') {
    return controlProblem(
      'timeout',
      `the node at ${name} did not answer within ${timeoutMs} ms; see its log`,
    );
  }
  const known = typeof place === 'string' ? socketProblem(place, error) : tcpProblem(name, place, error);
  return known ?? controlProblem('not-a-node', `what answers at ${name} is no node: ${error.message}`);
}

function socketProblem(socket: string, { code }: NodeJS.ErrnoException): ControlResult<never> | undefined {
  switch (code) {
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
    default:
      return undefined;
  }
}

/** OpenSSL's names of what is wrong with the certificate of who answers, as far as `--ca` may cure it. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
]);

/** Alerts by which a node refuses who shows no certificate, or a wrong one (RFC 8446, section 6.2). */
const REFUSED_CERTIFICATE = /^ERR_SSL_\w*ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE)/;

function tcpProblem(
  name: string,
  { url, certificate }: TcpPlace,
  { code = '', message }: NodeJS.ErrnoException,
): ControlResult<never> | undefined {
  if (code === 'ECONNREFUSED') {
    return controlProblem('not-running', `no node answers at ${name}; is that its control.listen?`);
  }
  if (['ENOTFOUND', 'EAI_AGAIN'].includes(code)) {
    return controlProblem('not-running', `${name}: there is no host of the name ${url.hostname}`);
  }
  if (['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'].includes(code)) {
    return controlProblem('not-running', `${name} cannot be reached: ${message}`);
  }
  if (UNTRUSTED.has(code)) {
    const cure = 'name what it is signed by with --ca';
    return controlProblem('not-a-node', `the certificate of ${name} is not trusted (${message}); ${cure}`);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code.startsWith('CERT_')) {
    return controlProblem('not-a-node', `the certificate of ${name} is not right: ${message}`);
  }
  if (REFUSED_CERTIFICATE.test(code)) {
    const shown =
      certificate === undefined ? 'show one with --cert and --key' : 'it does not take the one of --cert';
    return controlProblem('not-permitted', `the node at ${name} wants a certificate; ${shown}`);
  }
  if (code !== 'ECONNRESET') return undefined;
  return controlProblem(
    'not-a-node',
    `what answers at ${name} has broken off; ${doubtOf(url, certificate, message)}`,
  );
}

/** Who speaks the other protocol, or does not like a certificate, may just hang up. */
function doubtOf({ protocol }: URL, certificate: string | undefined, message: string): string {
  if (protocol === 'http:') return 'is it https:?';
  // Node's words when it ends before the handshake does.
  if (message.includes('before secure TLS connection')) return 'is it http:?';
  return certificate === undefined
    ? 'does it want a certificate (--cert and --key)?'
    : 'does it not take the certificate of --cert?';
}

/** What to do when the node has not let somebody in (401). */
export function strangerProblem(place: ControlPlace): ControlResult<never> {
  const shown =
    typeof place !== 'string' && place.token !== undefined
      ? 'it does not take the one of --token-file'
      : 'name a file that has it with --token-file';
  return controlProblem('not-permitted', `the node at ${nameOf(place)} wants its token; ${shown}`);
}
