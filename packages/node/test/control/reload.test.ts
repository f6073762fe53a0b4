import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  startControlServer,
  type ControlServer,
  type ReloadAnswer,
  type ReloadRequest,
} from '../../src/control/index.js';
import { provide } from './providers.js';

const CHANGE = { path: 'weight', from: 1, to: 2 };
const APPLIED: ReloadAnswer = {
  ok: true,
  document: { outcome: 'applied', changes: [CHANGE], warnings: [] },
};

let directory: string;
let socket: string;
let server: ControlServer;
let reloads: ReloadRequest[];
let reloadAnswer: ReloadAnswer;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-reload-'));
  socket = join(directory, 'node.sock');
  reloads = [];
  reloadAnswer = APPLIED;
  const reload = async (asked: ReloadRequest): Promise<ReloadAnswer> => {
    reloads.push(asked);
    return reloadAnswer;
  };
  const started = await startControlServer(socket, provide([], { reload }));
  if (!started.ok) throw new Error(started.problem.message);
  server = started.value;
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

describe('POST /reload', () => {
  const post = (body: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath: socket, path: '/reload', method: 'POST' }, resolve);
      asked.on('error', reject).end(body);
    });

  it('says what has changed, be it asked with a body or without', async () => {
    for (const [body, dryRun] of [
      ['', false],
      ['{}', false],
      ['{"dryRun":true}', true],
    ] as const) {
      const answer = await post(body);
      expect(answer.statusCode).toBe(200);
      expect(await json(answer)).toEqual({ outcome: 'applied', changes: [CHANGE], warnings: [] });
      expect(reloads.pop()).toEqual({ dryRun });
    }
  });

  it.each([
    ['[1', 'the body is not JSON'],
    ['{"dryRun":"yes"}', 'dryRun: expected true or false'],
    ['{"dry":true}', 'the body knows no key dry; it knows dryRun'],
    ['[]', 'the body: expected an object with the keys dryRun'],
  ])('refuses the body %s', async (body, message) => {
    const answer = await post(body);
    expect(answer.statusCode).toBe(400);
    expect(JSON.stringify(await json(answer))).toContain(message);
    expect(reloads).toEqual([]);
  });

  it.each([
    ['restart-needed', 409],
    ['invalid', 409],
    ['refused', 409],
    ['busy', 503],
  ] as const)('says why nothing was changed: %s', async (code, status) => {
    reloadAnswer = { ok: false, code, message: 'it is so', changes: [CHANGE] };
    const answer = await post('');
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(await json(answer)).toMatchObject({ error: { code, message: 'it is so' } });
  });
});
