import {
  startControlServer,
  type ControlProviders,
  type ControlServer,
  type ReloadAnswer,
  type ReloadRequest,
} from '@ringmaster/node';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ringmaster } from './command.js';

const reloads: ReloadRequest[] = [];
const CHANGES = [
  { path: 'weight', from: 1, to: 2 },
  { path: 'clusters[10.0.0.100].ports[443/tcp]', from: null, to: { port: 443, protocol: 'tcp' } },
];
const RELOADED: ReloadAnswer = {
  ok: true,
  document: { outcome: 'applied', changes: CHANGES, warnings: ['the key is open'] },
};

let directory: string;
let socket: string;
let server: ControlServer;
let reloadAnswer: ReloadAnswer;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-cli-'));
  socket = join(directory, 'node.sock');
  reloads.length = 0;
  reloadAnswer = RELOADED;
  // Nothing else is asked of it.
  const providers: Pick<ControlProviders, 'reload'> = {
    reload: async (request) => {
      reloads.push(request);
      return reloadAnswer;
    },
  };
  const started = await startControlServer(socket, providers as ControlProviders);
  if (!started.ok) throw new Error(started.problem.message);
  server = started.value;
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

describe('reload', () => {
  const reload = (...options: string[]) => ringmaster(['reload', '--socket', socket, ...options]);

  it('shows what has changed, and what should be mended', async () => {
    const { code, stdout, stderr } = await reload();
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'warning: the key is open\n' });
    expect(stdout).toBe(`reloaded; what has changed:
key                                   from   to
weight                                1      2
clusters[10.0.0.100].ports[443/tcp]   -      {"port":443,"protocol":"tcp"}
`);
    expect(reloads).toEqual([{ dryRun: false }]);
  });

  it('asks for a dry run, and says when there is nothing to do', async () => {
    reloadAnswer = { ok: true, document: { outcome: 'checked', changes: CHANGES, warnings: [] } };
    expect((await reload('--dry-run')).stdout).toContain('could be reloaded');
    expect(reloads).toEqual([{ dryRun: true }]);
    reloadAnswer = { ok: true, document: { outcome: 'unchanged', changes: [], warnings: [] } };
    expect((await reload()).stdout).toBe('nothing to reload: the file says what is in force\n');
  });

  it('prints what the node has answered as JSON, also when that refuses', async () => {
    expect(JSON.parse((await reload('--json')).stdout)).toEqual({
      outcome: 'applied',
      changes: CHANGES,
      warnings: ['the key is open'],
    });
    reloadAnswer = { ok: false, code: 'restart-needed', message: 'workers: not so', changes: CHANGES };
    const { code, stdout, stderr } = await reload('--json');
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'ringmaster: workers: not so\n' });
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'restart-needed', message: 'workers: not so' },
      changes: CHANGES,
    });
  });

  it.each([
    ['restart-needed', 1],
    ['refused', 1],
    ['busy', 1],
    ['invalid', 2],
  ] as const)('ends with a message when nothing was changed: %s', async (code, exitCode) => {
    reloadAnswer = { ok: false, code, message: 'it is so', changes: [] };
    expect(await reload()).toEqual({ code: exitCode, stdout: '', stderr: 'ringmaster: it is so\n' });
  });
});
