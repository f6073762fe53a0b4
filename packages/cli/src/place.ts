/** Which node a command asks, and how: the options for that, and what is meant by them. */
import { readTokenFile, type ControlPlace, type TcpPlace } from '@ringmaster/node';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { controlSocket, DEFAULT_SOCKET } from './configuration.js';
import { Failure } from './failure.js';

/** As the command line gives them. */
export interface PlaceOptions {
  readonly socket?: string;
  readonly config?: string;
  readonly url?: URL;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (isPlain) return url;
  throw new InvalidArgumentError('Expected http://HOST:PORT or https://HOST:PORT and nothing else.');
}

/** Adds the options of the commands that ask a running node. */
export function asking(command: Command): Command {
  const url = new Option('-u, --url <url>', 'ask the node that listens there over TCP, like https://n1:7481');
  return command
    .addOption(new Option('-c, --config <file>', 'ask the node that runs with this configuration'))
    .option('-s, --socket <path>', `ask the node at this control socket (default: ${DEFAULT_SOCKET})`)
    .addOption(url.argParser(parseUrl).conflicts(['socket', 'config']))
    .option('--token-file <file>', 'with --url: show the token in this file')
    .option('--ca <file>', 'with --url https: what the certificate of the node is signed by')
    .option('--cert <file>', 'with --url https: show this certificate')
    .option('--key <file>', 'its private key');
}

/** The place that the options name. Throws a `Failure` when they do not fit together, or a file is not right. */
export function placeOf(options: PlaceOptions): ControlPlace {
  const { url, tokenFile, ca, cert, key } = options;
  const files = { '--token-file': tokenFile, '--ca': ca, '--cert': cert, '--key': key };
  const given = Object.entries(files).flatMap(([name, file]) => (file === undefined ? [] : [name]));
  if (url === undefined) {
    if (given.length > 0) throw new Failure(`${given.join(', ')}: only with --url, which says where to ask`);
    return controlSocket(options);
  }
  const forTls = given.filter((name) => name !== '--token-file');
  if (url.protocol === 'http:' && forTls.length > 0) {
    throw new Failure(`${forTls.join(', ')}: only with an https: URL, found ${url.origin}`);
  }
  return {
    url,
    ...(tokenFile !== undefined && { token: tokenIn(tokenFile) }),
    ...(ca !== undefined && { ca: certificatesIn('--ca', ca) }),
    ...identityOf(cert, key),
  };
}

function tokenIn(file: string): string {
  const found = readTokenFile(file);
  if (!found.ok) throw new Failure(`--token-file: ${found.message}`);
  // What else there is cannot stand in a header (RFC 9110, section 5.5).
  if (/^[\x20-\x7e]+$/.test(found.token)) return found.token;
  throw new Failure(`--token-file: ${file} has more than one line of plain ASCII in it`);
}

/** Who asks. A key without its certificate, or of another one, would be noticed by the node only. */
function identityOf(certFile?: string, keyFile?: string): Pick<TcpPlace, 'certificate' | 'key'> {
  if (certFile === undefined && keyFile === undefined) return {};
  if (certFile === undefined || keyFile === undefined) {
    throw new Failure('--cert and --key belong together: a certificate, and the private key of it');
  }
  const certificate = certificatesIn('--cert', certFile);
  const key = read('--key', keyFile);
  const privateKey = attempt(`--key: ${keyFile} has no private key in it`, () => createPrivateKey(key));
  if (!new X509Certificate(certificate).checkPrivateKey(privateKey)) {
    throw new Failure(`--key: ${keyFile} is not the private key of ${certFile}`);
  }
  return { certificate, key };
}

function certificatesIn(option: string, file: string): string {
  const pem = read(option, file);
  attempt(`${option}: ${file} has no certificate in it`, () => new X509Certificate(pem));
  return pem;
}

const read = (option: string, file: string): string =>
  attempt(`${option}: ${file} cannot be read`, () => readFileSync(file, 'utf8'));

function attempt<T>(otherwise: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Failure(`${otherwise}: ${(error as Error).message}`);
  }
}
