/** What whoever reaches the control API may send: requests that are well-formed, nearly so, and not at all. */
import fc from 'fast-check';
import { connect, type NetConnectOpts } from 'node:net';

/** Bytes, and how the sender leaves. */
const SHOWN_BYTES = 1000;

export interface Conversation {
  readonly bytes: Buffer;
  /** `last`: when it has been answered, or nothing comes; `end`: as soon as all is said; `reset`: without a word. */
  readonly leaves: 'last' | 'end' | 'reset';
  /** Sizes of the pieces in which they are written, over and over. */
  readonly pieces: readonly number[];
}

const PATHS = ['/status', '/members', '/connections', '/history', '/metrics', '/explain', '/openapi.json'];
const ORDERS = ['/drain', '/undrain', '/abdicate', '/reload'];
const ADDRESSES = '{"addresses":["10.0.0.12"]}';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
/** One time in `1 + absent`. */
const sometimes = <T>(arbitrary: fc.Arbitrary<T>, absent: number): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: absent, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

const oddText = fc.oneof(
  fc.stringMatching(/^[ -~]{0,30}$/),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

const method = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('GET', 'POST') },
  fc.constantFrom('HEAD', 'PUT', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'PRI', 'get', 'GE T', ''),
);
const target = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...PATHS, ...ORDERS, '/nowhere') },
  fc.constantFrom(
    '/events?follow=false',
    '/events?follow=true',
    '*',
    '//',
    'http://[::1]/status',
    '/%00',
    '/status#x',
  ),
  fc.tuple(fc.constantFrom(...PATHS), fc.webQueryParameters()).map(([path, query]) => `${path}?${query}`),
  oddText,
);
const version = fc.oneof(
  { weight: 12, arbitrary: fc.constant('HTTP/1.1') },
  fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', ''),
);

const properHeader = fc.constantFrom(
  'content-type: application/json',
  'content-type: text/plain; charset=utf-16',
  'content-type: application/json\r\ncontent-type: text/plain',
  'content-type:',
  'content-encoding: gzip',
  'accept: text/event-stream',
  'accept-encoding: br;q=2, *;q=x',
  'last-event-id: -1',
  'expect: 100-continue',
  'expect: miracles',
  'connection: upgrade',
  'upgrade: h2c',
  'connection: keep-alive, close',
  'authorization: Basic %%%',
  'cookie: a=b; a=b',
  'range: bytes=0-',
  'trailer: content-length',
  'te: trailers',
);
const oddHeader = fc.oneof(
  fc.constantFrom(
    ' folded: yes',
    'host: a\r\nhost: b',
    'content-length: 5\r\ncontent-length: 6',
    'authorization: Bearer',
    'no colon',
    ': no name',
  ),
  fc.tuple(fc.stringMatching(/^[a-z-]{1,12}$/), oddText).map(([name, value]) => `${name}: ${value}`),
  fc.integer({ min: 4000, max: 40_000 }).map((bytes) => `x-large: ${'x'.repeat(bytes)}`),
);
const headers = fc
  .tuple(fc.array(properHeader, { maxLength: 3 }), sometimes(oddHeader, 4))
  .map(([proper, odd]) => (odd === null ? proper : [odd, ...proper]));

const json = fc.oneof(fc.constantFrom(ADDRESSES, '{"dryRun":true}', '{}', '[]', ''), fc.json());
const body = fc.oneof(
  json.map(latin1),
  json.map((text) => Buffer.from(text, 'utf16le')),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 200_000, max: 300_000 }).map((bytes) => Buffer.alloc(bytes, 0x20)),
);

const size = (bytes: Uint8Array): string => bytes.length.toString(16);

/** Headers that say how long the body is, and the body as it is sent. */
const framed: fc.Arbitrary<readonly [headers: string[], sent: Buffer]> = fc
  .tuple(
    body,
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('right', 'chunked') },
      fc.constantFrom('absent', 'wrong', 'odd', 'badChunks', 'both', 'unknown'),
    ),
    fc.constantFrom('-1', '+3', '0x10', '1e3', '5, 5', '99999999999999999999', ' ', '3.0'),
    fc.integer({ min: -5, max: 500 }),
  )
  .map(([bytes, how, odd, off]) => {
    const chunked = Buffer.concat([latin1(`${size(bytes)};x=y\r\n`), bytes, latin1('\r\n0\r\nx: y\r\n\r\n')]);
    switch (how) {
      case 'right':
        return [[`content-length: ${bytes.length}`], bytes];
      case 'absent':
        return [[], bytes];
      case 'wrong':
        return [[`content-length: ${Math.max(0, bytes.length + off)}`], bytes];
      case 'odd':
        return [[`content-length: ${odd}`], bytes];
      case 'chunked':
        return [['transfer-encoding: chunked'], bytes.length === 0 ? latin1('0\r\n\r\n') : chunked];
      case 'badChunks':
        return [['transfer-encoding: chunked'], Buffer.concat([latin1(`${odd}\r\n`), bytes])];
      case 'both':
        return [[`content-length: ${bytes.length}`, 'transfer-encoding: chunked'], chunked];
      default:
        return [['transfer-encoding: gzip, chunked, x'], chunked];
    }
  });

/** @param own headers that every request has, such as the one that shows a token */
function request(own: readonly string[]): fc.Arbitrary<Buffer> {
  const ending = fc.oneof({ weight: 20, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '\r', '\0'));
  return fc
    .tuple(method, target, version, headers, framed, ending)
    .map(([method, target, version, headers, [length, sent], ending]) => {
      const lines = [`${method} ${target} ${version}`, 'host: node', ...own, ...headers, ...length, '', ''];
      return Buffer.concat([latin1(lines.join(ending)), sent]);
    });
}

/** One request or several at once, whole or cut off, in pieces of any size. */
export function conversation(own: readonly string[] = []): fc.Arbitrary<Conversation> {
  return fc
    .record({
      requests: fc.oneof(
        { weight: 2, arbitrary: request(own).map((one) => [one]) },
        fc.array(request(own), { minLength: 2, maxLength: 4 }),
      ),
      /** The share of it that is sent. */
      kept: sometimes(fc.double({ min: 0, max: 1, noNaN: true }), 2),
      leaves: fc.oneof(
        { weight: 8, arbitrary: fc.constant('last' as const) },
        fc.constantFrom('end' as const, 'reset' as const),
      ),
      pieces: fc.oneof(
        fc.constant([1 << 20]),
        fc
          .array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 4 })
          .map((sizes) => [...sizes, 1 << 16]),
      ),
    })
    .map(({ requests, kept, leaves, pieces }) => {
      const all = Buffer.concat(requests);
      const bytes = kept === null ? all : all.subarray(0, Math.ceil(all.length * kept));
      const said = JSON.stringify(bytes.toString('latin1', 0, SHOWN_BYTES));
      return {
        bytes,
        leaves,
        pieces,
        [fc.toStringMethod]: () => `${said}, ${bytes.length} bytes, ${leaves}`,
      };
    });
}

/** Who has sent half a request waits for so long. Too short a time costs answers, and makes no test fail. */
const PATIENCE_MS = 50;

/** All that is answered, until the other side ends; of an answer without end its beginning. */
export function converse(to: NetConnectOpts, { bytes, leaves, pieces }: Conversation): Promise<string> {
  return new Promise((resolve) => {
    let answered = '';
    let silence: NodeJS.Timeout | undefined;
    const client = connect(to, () => {
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const length = pieces[i % pieces.length];
        client.write(bytes.subarray(at, at + length));
        at += length;
      }
      if (leaves === 'end') client.end();
      if (leaves === 'reset')
        client.write('', () => ('path' in to ? client.destroy() : client.resetAndDestroy()));
      if (leaves === 'last') silence = setTimeout(() => client.end(), PATIENCE_MS);
    });
    client.on('data', (chunk: Buffer) => {
      answered += chunk.toString('latin1');
      silence?.refresh();
      if (/^content-type: (application\/x-ndjson|text\/event-stream)/im.test(answered)) client.destroy();
    });
    client.on('error', () => undefined);
    client.on('close', () => {
      clearTimeout(silence);
      resolve(answered);
    });
  });
}

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** The answers in what came, without those that only say to go on (1xx). */
export function answersIn(text: string): Answer[] {
  const starts = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)];
  return starts.flatMap(({ index, 1: status }, i) => {
    if (status.startsWith('1')) return [];
    const whole = text.slice(index, starts[i + 1]?.index);
    const [head, ...rest] = whole.split('\r\n\r\n');
    return [{ status: Number(status), head, body: rest.join('\r\n\r\n') }];
  });
}
