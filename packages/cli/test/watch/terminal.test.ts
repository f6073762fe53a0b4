import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  startControlServer,
  type ControlProviders,
  type ControlServer,
  type NodeEvent,
  type StatusDocument,
} from '@ringmaster/node';
import { ringmaster } from '../command.js';

/** `ringmaster watch` in a terminal that `script` (bsdutils, on every Debian) makes. */

const BIN = fileURLToPath(new URL('../../bin/ringmaster.js', import.meta.url));
const ENTERED = '\u001b[?1049h';
const LEFT = '\u001b[?25h\u001b[?1049l';

const STATUS: StatusDocument = {
  ...{ address: '10.0.0.11', id: 1, role: 'dispatcher' },
  ring: {
    ...{ createdAt: 1, dispatcher: '10.0.0.11' },
    members: [{ address: '10.0.0.11', id: 1, mac: '02:00:00:00:00:11', role: 'dispatcher', active: true }],
  },
  connections: { total: 0, halfOpen: 0, established: 0, closing: 0 },
  rebuild: { state: 'idle', percent: 0, ms: 0 },
  counters: { forwarded: 0, held: 0, dropped: {} },
};

let directory: string;
let socket: string;
let server: ControlServer;
let listeners: Set<(event: NodeEvent) => void>;
let watching: ChildProcess | undefined;
let shown: string;

async function startNode(): Promise<void> {
  listeners = new Set();
  const started = await startControlServer(socket, {
    status: () => STATUS,
    events: {
      after: () => [],
      subscribe: (listener: (event: NodeEvent) => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  } as unknown as ControlProviders);
  if (!started.ok) throw new Error(started.problem.message);
  server = started.value;
}

function watch(): ChildProcess {
  shown = '';
  const command = `stty cols 100 rows 30; exec ${process.execPath} ${BIN} watch --socket ${socket}`;
  watching = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  watching.stdout!.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  return watching;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', resolve));

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-watch-'));
  socket = join(directory, 'node.sock');
  await startNode();
});
afterEach(async () => {
  watching?.kill('SIGKILL');
  await server.close();
  rmSync(directory, { recursive: true });
});

describe('ringmaster watch', () => {
  it('shows the ring and what happens, and gives the terminal back when q is pressed', async () => {
    const child = watch();
    await expect.poll(() => shown).toContain('1 of 1 serve');
    expect(shown).toContain(ENTERED);
    await expect.poll(() => listeners.size).toBe(1);
    const event: NodeEvent = { seq: 1, at: '2026-01-02T03:04:05.678Z', kind: 'health', text: 'it works' };
    for (const listener of listeners) listener(event);
    await expect.poll(() => shown).toContain('it works');
    child.stdin!.write('q');
    expect(await ended(child)).toBe(0);
    expect(shown).toContain(LEFT);
  });

  it('waits for a node that goes away, and goes on when it is back', async () => {
    watch();
    await expect.poll(() => shown).toContain('1 of 1 serve');
    await server.close();
    await expect.poll(() => shown).toContain('no node answers');
    await startNode();
    await expect.poll(() => listeners.size).toBe(1);
  });

  it('gives the terminal back when it is told to end', async () => {
    const child = watch();
    await expect.poll(() => shown).toContain('1 of 1 serve');
    child.stdin!.write('\u0003');
    await ended(child);
    expect(shown).toContain(LEFT);
  });

  it('prints one page where there is no terminal', async () => {
    const { code, stdout, stderr } = await ringmaster(['watch', '--socket', socket]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('ringmaster 10.0.0.11, dispatcher');
    expect(stdout).not.toContain('\u001b');
    const { code: failed, stderr: why } = await ringmaster(['watch', '--socket', join(directory, 'none')]);
    expect(failed).toBe(1);
    expect(why).toContain('no node answers');
  });
});
