import { mkdtempSync, rmSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  controlLines,
  startControlServer,
  type ControlProviders,
  type ControlServer,
} from '../../src/control/index.js';
import { EventLog } from '../../src/events/eventLog.js';

let directory: string;
let socket: string;
let server: ControlServer;
let log: EventLog;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-stream-'));
  socket = join(directory, 'node.sock');
  log = new EventLog({ nowMs: () => 0 });
  const started = await startControlServer(socket, { events: log } as unknown as ControlProviders);
  if (!started.ok) throw new Error(started.problem.message);
  server = started.value;
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

function open(path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ socketPath: socket, path, headers, agent: false }, resolve).on('error', reject).end();
  });
}

async function text(answer: IncomingMessage, enough: (text: string) => boolean): Promise<string> {
  let all = '';
  for await (const chunk of answer) {
    all += String(chunk);
    if (enough(all)) break;
  }
  return all;
}

describe('GET /events', () => {
  it('tells what was and what comes, a line each', async () => {
    log.add('role', 'one');
    log.add('role', 'two');
    const heard: number[] = [];
    const ended = controlLines(socket, '/events?since=1', (line) =>
      heard.push((JSON.parse(line) as { seq: number }).seq),
    );
    await expect.poll(() => heard).toEqual([2]);
    log.add('phase', 'three');
    await expect.poll(() => heard).toEqual([2, 3]);
    await server.close();
    expect((await ended).ok).toBe(true);
  });

  it('ends by itself when nobody wants to follow', async () => {
    log.add('role', 'one');
    const heard: string[] = [];
    expect((await controlLines(socket, '/events?follow=false', (line) => heard.push(line))).ok).toBe(true);
    expect(heard).toHaveLength(1);
  });

  it('speaks as browsers want it, from where they have been', async () => {
    log.add('role', 'one');
    log.add('role', 'two');
    const answer = await open('/events', { accept: 'text/event-stream', 'last-event-id': '1' });
    expect(answer.headers['content-type']).toBe('text/event-stream');
    const said = await text(answer, (all) => all.includes('\n\n'));
    expect(said).toMatch(/^id: 2\ndata: \{"seq":2,.*"text":"two"\}\n\n$/);
  });

  it.each([
    ['/events?since=-1', 'since: expected the number of an event'],
    ['/events?since=', 'since: expected the number of an event'],
    ['/events?follow=maybe', 'follow: expected true or false'],
    ['/events?from=1', 'knows no parameter from'],
  ])('refuses %s', async (path, why) => {
    const refused = await controlLines(socket, path, () => undefined);
    expect(refused).toMatchObject({
      ok: false,
      problem: { message: expect.stringContaining(why) as string },
    });
  });

  it('has so many readers and no more, and has room again when one goes', async () => {
    const readers = await Promise.all(Array.from({ length: 32 }, () => open('/events')));
    expect(readers.map(({ statusCode }) => statusCode)).toEqual(new Array(32).fill(200));
    expect((await open('/events')).statusCode).toBe(503);
    readers[0].destroy();
    await expect.poll(async () => (await open('/events?follow=true')).statusCode).toBe(200);
  });

  it('cuts a reader off that does not read', async () => {
    const reader = connect(socket);
    let closed = false;
    reader.on('error', () => undefined).on('close', () => (closed = true));
    reader.write('GET /events HTTP/1.1\r\nhost: node\r\n\r\n');
    reader.pause();
    await expect.poll(() => log['listeners'].size).toBe(1);
    const much = 'x'.repeat(64 * 1024);
    await expect
      .poll(
        () => {
          for (let i = 0; i < 8; i++) log.add('role', much);
          return log['listeners'].size;
        },
        { interval: 5 },
      )
      .toBe(0);
    reader.resume();
    await expect.poll(() => closed).toBe(true);
  });
});
