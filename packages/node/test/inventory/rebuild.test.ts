import { describe, expect, it } from 'vitest';
import type { AskResult } from '../../src/inventory/ask.js';
import { Rebuild } from '../../src/inventory/rebuild.js';

/** A rebuild whose questions are answered by hand, and the log of what it did. */
function setUp(options: { gone?: number[]; holdLimitMs?: number } = {}) {
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
    isThere: (member) => !options.gone?.includes(member),
    holdLimitMs: options.holdLimitMs ?? 60_000,
    enter: async (member) => log.push(`enter ${member}`),
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
  it('holds until the last member has answered, looks again with each answer, and says how far it is', async () => {
    const { rebuild, log, settle, rows, pass } = setUp();
    expect(rebuild.progress()).toEqual({ state: 'idle', percent: 0, ms: 0 });
    const done = rebuild.run([1, 2, 3], { hold: true });
    rows.get(2)?.();
    await settle(2, answered);
    pass(30);
    expect(rebuild.progress()).toEqual({ state: 'running', percent: 33, ms: 30 });
    await settle(1, answered);
    await settle(3, answered);
    expect(await done).toBe(true);
    expect(log.join(', ')).toBe(
      'hold, ask 1, ask 2, ask 3, enter 2, answer 2, hold, answer 1, hold, answer 3, release',
    );
    expect(rebuild.progress()).toEqual({ state: 'done', percent: 100, ms: 30 });
  });

  it('asks who is still there again, and is not complete when that does not help', async () => {
    const { rebuild, log, settle } = setUp();
    const done = rebuild.run([1], { hold: true });
    for (let attempt = 0; attempt < 3; attempt++) {
      await settle(1, { ok: false, failure: 'timeout' });
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    expect(await done).toBe(false);
    expect(log.join(', ')).toBe('hold, ask 1, timeout 1, ask 1, timeout 1, ask 1, timeout 1, release');
  });

  it('does not ask who has gone again, and is complete without it', async () => {
    const { rebuild, log, settle } = setUp({ gone: [1] });
    const done = rebuild.run([1], { hold: true });
    await settle(1, { ok: false, failure: 'unreachable' });
    expect(await done).toBe(true);
    expect(log.join(', ')).toBe('hold, ask 1, unreachable 1, release');
  });

  it('lets go what it holds at the limit, and still takes answers that come later', async () => {
    const { rebuild, log, settle, rows } = setUp({ holdLimitMs: 20 });
    const done = rebuild.run([1], { hold: true });
    await new Promise((resolve) => setTimeout(resolve, 60));
    rows.get(1)?.();
    await settle(1, answered);
    expect(await done).toBe(true);
    expect(log.join(', ')).toBe('hold, ask 1, release, enter 1, answer 1');
  });

  it('holds nothing when it only prepares', async () => {
    const { rebuild, log, settle } = setUp();
    const done = rebuild.run([1], { hold: false });
    await settle(1, answered);
    await done;
    expect(log).toEqual(['ask 1', 'answer 1']);
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
    expect(log).toEqual(['hold', 'ask 1']);
  });
});
