import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  startControlServer,
  type ControlProviders,
  type ControlServer,
  type NodeEvent,
} from '@ringmaster/node';
import { ringmaster } from './command.js';

const EVENTS: readonly NodeEvent[] = [
  { seq: 1, at: '2026-01-02T03:04:05.678Z', kind: 'start', text: 'the node runs', address: '10.0.0.11' },
  { seq: 2, at: '2026-01-02T03:04:06.000Z', kind: 'membership', text: '10.0.0.12 has joined: started' },
];

let directory: string;
let socket: string;
let server: ControlServer;
let asked: number[];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-events-'));
  socket = join(directory, 'node.sock');
  asked = [];
  const started = await startControlServer(socket, {
    events: {
      after: (seq: number) => (asked.push(seq), EVENTS.filter((event) => event.seq > seq)),
      subscribe: () => () => undefined,
    },
  } as unknown as ControlProviders);
  if (!started.ok) throw new Error(started.problem.message);
  server = started.value;
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const ask = (...args: string[]) => ringmaster(['events', ...args, '--socket', socket]);

it('prints a line an event, for people or for programs', async () => {
  expect(await ask('--no-follow')).toEqual({
    code: 0,
    stdout: '03:04:05.678 start      the node runs\n03:04:06.000 membership 10.0.0.12 has joined: started\n',
    stderr: '',
  });
  const { stdout } = await ask('--no-follow', '--json', '--since', '1');
  expect(JSON.parse(stdout)).toEqual(EVENTS[1]);
  expect(asked).toEqual([0, 1]);
});

it('says so when the node ends', async () => {
  const following = ask();
  await expect.poll(() => asked.length).toBe(1);
  await server.close();
  const { code, stderr } = await following;
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('has ended') as string });
});

it('refuses a number that is none', async () => {
  const { code, stderr } = await ask('--since', 'yesterday');
  expect(code).not.toBe(0);
  expect(stderr).toContain('Expected the number of an event');
});
