import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const DEMO = new URL('../../packages/lab/dist/demo/main.js', import.meta.url).pathname;

test('the demo keeps its promises, and its last line is one JSON object with the figures', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, '--json', '--connections', '80'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const figures = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as object;
  const number = expect.any(Number) as number;
  expect(figures).toEqual({
    nodes: 4,
    spread: { n1: 250, n2: 250, n3: 250, n4: 250 },
    failover: {
      killedAddress: '10.0.0.11',
      newDispatcher: '10.0.0.12',
      gapMs: number,
      rebuildMs: number,
      establishedOnSurvivors: 60,
      survived: 60,
      lost: 0,
      livedOnKilled: 20,
      failedRequests: number,
    },
    failback: { gapMs: number, lost: 0, failedRequests: number, newDispatcher: '10.0.0.11' },
    broken: [],
  });
  expect(stdout).not.toContain('\u001b'); // no colours where nobody looks
  expect(status).toBe(0);
});

test('a wrong option is refused with one line', () => {
  const { status, stderr } = spawnSync(process.execPath, [DEMO, '--nodes', 'many'], { encoding: 'utf8' });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/^--nodes wants a number from 2 to 8\n$/);
});
