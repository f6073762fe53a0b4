import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import type { NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlRequest, type ControlPlace, type OrderRequest } from '../../src/control/index.js';
import { startControlServer } from '../../src/control/server.js';
import { startTcpControl } from '../../src/control/tcpServer.js';
import { answersIn, conversation, converse } from './conversations.js';
import { provide } from './providers.js';

/** Whatever whoever reaches the control API sends, it answers in its own words or not at all, and goes on. */

const TOKEN = 'abc';
/** Conversations. */
const AT_ONCE = 32;
const ALLOWED = [200, 400, 401, 404, 405, 409, 413, 503];

let directory: string;
let ordered: OrderRequest[];
let close: () => Promise<void>;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-fuzz-'));
  ordered = [];
});
afterEach(async () => {
  await close();
  rmSync(directory, { recursive: true });
});

interface Door {
  /** For those who send bytes. */
  readonly at: NetConnectOpts;
  /** For those who ask properly. */
  readonly place: ControlPlace;
}

async function openSocket(): Promise<Door> {
  const path = join(directory, 'node.sock');
  const started = await startControlServer(path, provide(ordered));
  if (!started.ok) throw new Error(started.problem.message);
  close = () => started.value.close();
  return { at: { path }, place: path };
}

async function openTcp(): Promise<Door> {
  const server = await startTcpControl({
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    providers: provide(ordered),
  });
  close = () => server.close();
  const url = new URL(`http://127.0.0.1:${server.port}`);
  return { at: { host: '127.0.0.1', port: server.port }, place: { url, token: TOKEN } };
}

/** Talks, and says which statuses were seen. */
async function talk({ at, place }: Door, own: readonly string[], runs: number): Promise<Set<number>> {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(conversation(own), { minLength: AT_ONCE / 2, maxLength: AT_ONCE }),
      async (said) => {
        for (const text of await Promise.all(said.map((each) => converse(at, each)))) {
          const answers = answersIn(text);
          // Each answer ends its conversation: what was sent behind a request is never taken for another one.
          expect(answers.length).toBeLessThanOrEqual(1);
          for (const { status, head, body } of answers) {
            seen.add(status);
            expect(ALLOWED).toContain(status);
            expect(head.toLowerCase()).toContain('connection: close');
            if (status >= 400 && body !== '') expect(body).toContain('{"error":{"code":"');
          }
        }
      },
    ),
    { numRuns: runs },
  );
  expect(await controlRequest(place, '/status')).toMatchObject({ ok: true, value: { address: '10.0.0.11' } });
  return seen;
}

describe('random conversations', () => {
  it('over the socket are answered in words', { timeout: 120_000 }, async () => {
    const seen = await talk(await openSocket(), [], 60);
    for (const status of [200, 400, 404, 405, 413]) expect(seen).toContain(status);
    for (const { addresses } of ordered) expect(addresses).toEqual(['10.0.0.12']);
  });

  it('over TCP with the token are the same', { timeout: 120_000 }, async () => {
    const seen = await talk(await openTcp(), [`authorization: Bearer ${TOKEN}`], 60);
    for (const status of [200, 400, 404, 405]) expect(seen).toContain(status);
  });

  it.each([
    ['none', []],
    ['another', ['authorization: Bearer abd']],
    ['two', ['authorization: Bearer abd', `authorization: Bearer ${TOKEN}`]],
  ])(
    'over TCP with the token "%s" are told nothing and change nothing',
    { timeout: 120_000 },
    async (_, own) => {
      const seen = await talk(await openTcp(), own, 20);
      expect([...seen]).toEqual([401]);
      expect(ordered).toEqual([]);
    },
  );
});
