import {
  startTcpControl,
  type ControlProviders,
  type NodeEvent,
  type OrderRequest,
  type TcpControlOptions,
} from '@ringmaster/node';
import { Command } from 'commander';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandsOf } from '../src/completion/words.js';
import { asking, placeOf, type PlaceOptions } from '../src/place.js';
import { buildProgram } from '../src/program.js';
import { ringmaster, type Outcome } from './command.js';

/** Commands that ask a node over TCP: real ones, real sockets, real TLS. */

const TOKEN = 'a long random text';
const MEMBERS = [
  { address: '10.0.0.11', id: 1, role: 'dispatcher', active: true, drain: { connections: 0 } },
];
const EVENT: NodeEvent = { seq: 1, at: '2026-01-02T03:04:05.678Z', kind: 'start', text: 'the node runs' };

const file = (name: string): string => fileURLToPath(new URL(`tls/${name}`, import.meta.url));
const pem = (name: string): string => readFileSync(file(name), 'utf8');
const TLS = { certificate: pem('node.pem'), key: pem('node.key') };
const AUTHORITY = ['--ca', file('authority.pem')];

let directory: string;
let token: string;
let ordered: OrderRequest[];
const closers: (() => Promise<void>)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-place-'));
  token = join(directory, 'token');
  writeFileSync(token, `${TOKEN}\n`, { mode: 0o600 });
  ordered = [];
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  rmSync(directory, { recursive: true });
});

/** The port of a node that listens. */
async function start(options: Partial<TcpControlOptions>): Promise<number> {
  const providers = {
    status: () => ({
      ...{ address: '10.0.0.11', id: 1, role: 'dispatcher', counters: { dropped: {} } },
      ...{
        connections: { total: 0, halfOpen: 0, established: 0, closing: 0 },
        rebuild: { state: 'none', percent: 100, ms: 0 },
      },
      ring: { createdAt: 0, dispatcher: '10.0.0.11', members: MEMBERS },
    }),
    connections: async () => ({ total: 0, connections: [] }),
    events: { after: () => [EVENT], subscribe: () => () => undefined },
    order: async (request: OrderRequest) => {
      ordered.push(request);
      const servers = request.addresses.map((address) => ({ address, outcome: 'done' }));
      return { ok: true, document: { servers } };
    },
    reload: async () => ({ ok: true, document: { outcome: 'unchanged', changes: [], warnings: [] } }),
    explain: async () => ({ ok: true, document: { dispatching: true, dispatcher: null, frames: [] } }),
  } as unknown as ControlProviders;
  const server = await startTcpControl({ host: '127.0.0.1', port: 0, providers, ...options });
  closers.push(() => server.close());
  return server.port;
}

/** The words of every command that asks a node, as it could be typed. */
const ASKING: Readonly<Record<string, readonly string[]>> = {
  status: ['--json'],
  members: ['--json'],
  connections: ['--json'],
  drain: ['10.0.0.11', '--wait', '--json'],
  undrain: ['10.0.0.11', '--json'],
  abdicate: ['--json'],
  reload: ['--json'],
  watch: ['--once'],
  events: ['--no-follow', '--json'],
  explain: ['tcp', '10.9.0.2:40000', '10.0.0.100:80', '--json'],
};

it('every command that knows --socket knows --url as well, and is tried here', () => {
  const commands = commandsOf(buildProgram('1', () => undefined));
  const knowing = (flag: string): string[] =>
    commands.flatMap(({ name, options }) =>
      options.some(({ flags }) => flags.includes(flag)) ? [name] : [],
    );
  expect(knowing('--socket').sort()).toEqual(Object.keys(ASKING).sort());
  for (const flag of ['--url', '--token-file', '--ca', '--cert', '--key']) {
    expect(knowing(flag)).toEqual(knowing('--socket'));
  }
});

describe.each(Object.entries(ASKING))('%s', (name, words) => {
  const well = { code: 0, stderr: '' };

  it('asks over TCP with a token', async () => {
    const port = await start({ token: TOKEN });
    const outcome = await ringmaster([
      name,
      ...words,
      '--url',
      `http://127.0.0.1:${port}`,
      '--token-file',
      token,
    ]);
    expect(outcome).toMatchObject(well);
    expect(outcome.stdout).not.toBe('');
  });

  it('asks over TLS with a token and a certificate', async () => {
    const port = await start({ token: TOKEN, tls: { ...TLS, clientCa: pem('authority.pem') } });
    const own = ['--cert', file('operator.pem'), '--key', file('operator.key')];
    const at = ['--url', `https://localhost:${port}`, ...AUTHORITY, '--token-file', token, ...own];
    expect(await ringmaster([name, ...words, ...at])).toMatchObject(well);
    const path = { drain: 'drain', undrain: 'undrain', abdicate: 'abdicate' }[name];
    expect(ordered.map(({ action }) => action)).toEqual(path === undefined ? [] : [path]);
  });
});

const status = (...args: string[]): Promise<Outcome> => ringmaster(['status', ...args]);

/** What it says when it fails. */
async function complaint(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await status(...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  return stderr;
}

describe('a node that is not content', () => {
  it('wants its token', async () => {
    const url = ['--url', `http://127.0.0.1:${await start({ token: TOKEN })}`];
    expect(await complaint(...url)).toContain('wants its token; name a file that has it with --token-file');
    writeFileSync(token, 'another');
    expect(await complaint(...url, '--token-file', token)).toContain('does not take the one of --token-file');
    expect((await ringmaster(['events', ...url])).stderr).toContain('wants its token');
  });

  it('wants a certificate, and one of its own authority', async () => {
    const port = await start({ tls: { ...TLS, clientCa: pem('authority.pem') } });
    const url = ['--url', `https://127.0.0.1:${port}`, ...AUTHORITY];
    expect(await complaint(...url)).toMatch(/want.* a certificate.*--cert and --key/);
    const health = (name: string): string =>
      fileURLToPath(new URL(`../../node/test/health/tls/${name}`, import.meta.url));
    const foreign = ['--cert', health('certificate.pem'), '--key', health('key.pem')];
    expect(await complaint(...url, ...foreign)).toMatch(/not take the .*of --cert/);
  });
});

describe('a node that is not trusted', () => {
  it('has a certificate of somebody unknown, or of another name', async () => {
    const port = await start({ token: TOKEN, tls: TLS });
    expect(await complaint('--url', `https://localhost:${port}`)).toMatch(
      /is not trusted .*name what it is signed by with --ca/,
    );
    // Of the loopback network, but not in the certificate.
    closers.push(await forward('127.0.0.2', port));
    expect(await complaint('--url', `https://127.0.0.2:${port}`, ...AUTHORITY)).toMatch(
      /certificate of https:\/\/127.0.0.2:\d+ is not right: .*127\.0\.0\.2/,
    );
  });

  it('speaks the other protocol', async () => {
    const [plain, tls] = [await start({ token: TOKEN }), await start({ token: TOKEN, tls: TLS })];
    expect(await complaint('--url', `https://127.0.0.1:${plain}`)).toContain('is it http:?');
    expect(await complaint('--url', `http://127.0.0.1:${tls}`)).toContain('is it https:?');
  });

  it('is not there', async () => {
    const port = await start({ token: TOKEN });
    for (const close of closers.splice(0)) await close();
    expect(await complaint('--url', `http://127.0.0.1:${port}`)).toBe(
      `ringmaster: no node answers at http://127.0.0.1:${port}; is that its control.listen?\n`,
    );
  });
});

/** Passes on what comes to the same port of another address. */
async function forward(host: string, port: number): Promise<() => Promise<void>> {
  const server = createServer((from) => {
    const to = connect(port, '127.0.0.1');
    from.pipe(to).pipe(from);
    for (const end of [from, to]) end.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  expect((server.address() as AddressInfo).address).toBe(host);
  return () => new Promise((resolve) => server.close(() => resolve()));
}

describe('what cannot be meant is refused', () => {
  /** What is said of these options, without a process of its own for each. */
  const refusalOf = (...args: string[]): string => {
    const command = asking(new Command('status')).exitOverride();
    command
      .configureOutput({ writeErr: () => undefined })
      .action((options: PlaceOptions) => void placeOf(options));
    try {
      command.parse(args, { from: 'user' });
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error(`${args.join(' ')} was taken`);
  };

  it('with exit code 1', async () => {
    expect(await complaint('--token-file', token)).toBe(
      'ringmaster: --token-file: only with --url, which says where to ask\n',
    );
    expect(await complaint('--url', 'https://127.0.0.1:1', '--socket', '/x')).toContain(
      'cannot be used with option',
    );
  });

  const URL_ = ['--url', 'https://127.0.0.1:1'];
  const own = (name: string): string => join(directory, name);

  it.each([
    [
      'two places',
      [...URL_, '--socket', '/x'],
      "'-u, --url <url>' cannot be used with option '-s, --socket <path>'",
    ],
    ['a place and a file', [...URL_, '--config', 'x'], "cannot be used with option '-c, --config <file>'"],
    ['a token for a socket', ['--token-file', '/x'], '--token-file: only with --url'],
    ['an authority for a socket', ['--socket', '/x', '--ca', '/x'], '--ca: only with --url'],
    [
      'a certificate without TLS',
      ['--url', 'http://a:1', '--cert', '/x', '--key', '/x'],
      '--cert, --key: only with an https: URL',
    ],
    ['no scheme', ['--url', '10.0.0.11:7481'], 'Expected http://HOST:PORT or https://HOST:PORT'],
    ['another scheme', ['--url', 'ftp://10.0.0.11:7481'], 'Expected http://HOST:PORT'],
    ['a path', ['--url', 'http://10.0.0.11:7481/status'], 'Expected http://HOST:PORT'],
    ['a password', ['--url', 'http://me:secret@10.0.0.11:7481'], 'Expected http://HOST:PORT'],
    [
      'a certificate without its key',
      [...URL_, '--cert', file('operator.pem')],
      '--cert and --key belong together',
    ],
    [
      'a key of another',
      [...URL_, '--cert', file('operator.pem'), '--key', file('node.key')],
      'is not the private key of',
    ],
    [
      'a key that is none',
      [...URL_, '--cert', file('operator.pem'), '--key', file('node.pem')],
      'has no private key in it',
    ],
    ['an authority that is none', [...URL_, '--ca', file('node.key')], 'has no certificate in it'],
    ['a file that is not there', [...URL_, '--ca', '/nowhere'], '--ca: /nowhere cannot be read'],
  ])('%s', (_what, args, message) => {
    expect(refusalOf(...args)).toContain(message);
  });

  it('a token that every user of the host can read, none, or more than one', () => {
    chmodSync(token, 0o644);
    expect(refusalOf(...URL_, '--token-file', token)).toContain(
      `--token-file: every user of this host may open ${token}; chmod 600 ${token}`,
    );
    for (const [text, message] of [
      ['', 'is empty'],
      ['a\nb', 'more than one line'],
      ['ä', 'plain ASCII'],
    ]) {
      writeFileSync(own('other'), text, { mode: 0o600 });
      expect(refusalOf(...URL_, '--token-file', own('other'))).toContain(message);
    }
    expect(refusalOf(...URL_, '--token-file', own('none'))).toContain('cannot be read');
  });
});
