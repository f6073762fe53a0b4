import { describe, expect, it } from 'vitest';
import type { AskResult } from '../../src/inventory/ask.js';
import { Rebuild } from '../../src/inventory/rebuild.js';

/** A rebuild whose questions are answered by hand, and the log of what it did. */
function setUp() {
  const log: string[] = [];
  const questions = new Map<number, (result: AskResult) => void>();
  const rows = new Map<number, () => void>();
  let nowMs = 0;
  const rebuild = new Rebuild({
    nowMs: () => nowMs,
    ask: (member, onRows) => {
      log.push(`ask ${member}`);
      rows.set(member, () => onRows({ count: 0 } as never));
      return new Promise((resolve) => questions.set(member, resolve));
    },
    enter: (member) => log.push(`enter ${member}`),
    hold: (on) => log.push(on ? 'hold' : 'release'),
    onResult: (member, result) => log.push(`${result.ok ? 'answer' : result.failure} ${member}`),
  });
  const settle = async (member: number, result: AskResult): Promise<void> => {
    questions.get(member)?.(result);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { rebuild, log, settle, rows, pass: (ms: number) => (nowMs += ms) };
}

const answered: AskResult = { ok: true, connections: 1 };

describe('Rebuild (S9)', () => {
  it('holds until the last member has answered, and says how far it is', async () => {
    const { rebuild, log, settle, rows, pass } = setUp();
    expect(rebuild.progress()).toEqual({ state: 'idle', percent: 0, ms: 0 });
    const done = rebuild.run([1, 2, 3], { hold: true });
    rows.get(2)?.();
    await settle(2, answered);
    pass(30);
    expect(rebuild.progress()).toEqual({ state: 'running', percent: 33, ms: 30 });
    await settle(1, answered);
    await settle(3, answered);
    await done;
    expect(log).toEqual([
      'hold',
      'ask 1',
      'ask 2',
      'ask 3',
      'enter 2',
      'answer 2',
      'answer 1',
      'answer 3',
      'release',
    ]);
    expect(rebuild.progress()).toEqual({ state: 'done', percent: 100, ms: 30 });
  });

  it('releases when the last one has failed to answer', async () => {
    const { rebuild, log, settle } = setUp();
    const done = rebuild.run([1, 2], { hold: true });
    await settle(1, answered);
    await settle(2, { ok: false, failure: 'timeout' });
    await done;
    expect(log.slice(-2)).toEqual(['timeout 2', 'release']);
  });

  it('takes a member that joins meanwhile into the same rebuild', async () => {
    const { rebuild, log, settle } = setUp();
    const first = rebuild.run([1], { hold: true });
    const second = rebuild.run([2], { hold: true });
    await settle(1, answered);
    expect(log).not.toContain('release');
    await settle(2, answered);
    await Promise.all([first, second]);
    expect(log.filter((line) => line === 'release')).toHaveLength(1);
  });

  it('does not enter what comes after it was cancelled', async () => {
    const { rebuild, log, settle, rows } = setUp();
    void rebuild.run([1], { hold: true });
    rebuild.cancel();
    rows.get(1)?.();
    await settle(1, answered);
    expect(log).toEqual(['hold', 'ask 1', 'release']);
  });
});
