import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Drain, type DrainParts } from '../../src/drain/drain.js';

let directory: string;
let file: string;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-drain-'));
  file = join(directory, 'node.sock.drain.json');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

/** A node with weight 5 that has three connections to end. */
function node(change: Partial<DrainParts> = {}) {
  const told: string[] = [];
  const drain = new Drain({
    file,
    weight: 5,
    canServe: true,
    describe: ({ weight, canServe }) => told.push(`weight ${weight}${canServe ? '' : ', serves not'}`),
    endConnections: async () => 3,
    onChange: () => undefined,
    log: { info: () => undefined, warn: (message) => told.push(message) },
    nowMs: () => Date.now(),
    ...change,
  });
  return { drain, told };
}

describe('drain', () => {
  it('announces weight 0 until it is undrained', () => {
    const { drain, told } = node();
    expect([drain.drain(undefined), drain.state, drain.deadlineInMs()]).toEqual([
      'done',
      'draining',
      undefined,
    ]);
    expect(drain.drain(undefined)).toBe('already');
    expect([drain.undrain(), drain.state]).toEqual(['done', 'serving']);
    expect(drain.undrain()).toBe('already');
    expect(told).toEqual(['weight 0', 'weight 5']);
  });

  it('says at the deadline that it serves no longer, then ends what is left, once', async () => {
    const endConnections = vi.fn(async () => 3);
    const { drain, told } = node({ endConnections });
    drain.drain(60_000);
    await vi.advanceTimersByTimeAsync(59_999);
    expect([drain.state, drain.deadlineInMs(), told]).toEqual(['draining', 1, ['weight 0']]);
    await vi.advanceTimersByTimeAsync(1);
    expect([drain.state, told.at(-1)]).toEqual(['drained', 'weight 0, serves not']);
    expect(endConnections).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(endConnections).toHaveBeenCalledTimes(1);
    expect([drain.ended, drain.deadlineInMs()]).toEqual([3, 0]);
    expect(drain.drain(1000)).toBe('already');
    drain.undrain();
    expect(told.at(-1)).toBe('weight 5');
  });

  it('takes a new deadline for the one before', async () => {
    const { drain } = node();
    drain.drain(1000);
    expect(drain.drain(5000)).toBe('done');
    await vi.advanceTimersByTimeAsync(2000);
    expect([drain.state, drain.deadlineInMs()]).toEqual(['draining', 3000]);
    drain.drain(undefined);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([drain.state, drain.deadlineInMs()]).toEqual(['draining', undefined]);
  });

  it('ends nothing when it is undrained at the last moment', async () => {
    const endConnections = vi.fn(async () => 3);
    const { drain } = node({ endConnections });
    drain.drain(1000);
    await vi.advanceTimersByTimeAsync(1001);
    expect(drain.state).toBe('drained');
    drain.undrain();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(endConnections).not.toHaveBeenCalled();
  });

  it('goes on when the kernel does not end connections, and says so', async () => {
    const { drain, told } = node({ endConnections: () => Promise.reject(new Error('not supported')) });
    drain.drain(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect([drain.state, drain.ended]).toEqual(['drained', 0]);
    expect(told.at(-1)).toBe('drained, but the connections that are left could not be ended');
  });

  it('is nothing for a node that does not serve', () => {
    expect(node({ canServe: false }).drain.drain(undefined)).toBe('notServing');
  });
});

describe('a drain and the end of its node', () => {
  it('outlives a crash, with its deadline on the wall clock', async () => {
    node().drain.drain(60_000);
    await vi.advanceTimersByTimeAsync(20_000);
    const { drain, told } = node();
    drain.resume();
    expect([drain.state, drain.deadlineInMs()]).toEqual(['draining', 40_000]);
    expect(told.at(-1)).toBe('weight 0');
    await vi.advanceTimersByTimeAsync(41_000);
    expect(drain.state).toBe('drained');
  });

  it('is over at once when the deadline passed meanwhile', async () => {
    node().drain.drain(1000);
    vi.setSystemTime(9_000_000);
    const { drain } = node();
    drain.resume();
    await vi.advanceTimersByTimeAsync(1);
    expect(drain.state).toBe('drained');
  });

  it('outlives a failure, but not the wish of the operator, nor undrain', () => {
    const { drain } = node();
    drain.drain(undefined);
    drain.close(false);
    expect(existsSync(file)).toBe(true);
    drain.close(true);
    expect(existsSync(file)).toBe(false);
    drain.undrain();
    drain.drain(undefined);
    drain.undrain();
    expect(existsSync(file)).toBe(false);
  });

  it('is told in a file that only its owner reads; what is no such file is left alone', () => {
    const { drain, told } = node();
    drain.resume();
    expect(drain.state).toBe('serving');
    for (const text of [
      '',
      '{}',
      '[]',
      '{"version":2,"deadlineAtMs":null}',
      '{"version":1,"deadlineAtMs":"x"}',
    ]) {
      writeFileSync(file, text);
      drain.resume();
      expect(drain.state).toBe('serving');
    }
    expect(told).toEqual([]);
    drain.drain(undefined);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, deadlineAtMs: null });
  });

  it('drains all the same when it cannot be written down, and says so', () => {
    const { drain, told } = node({ file: join(directory, 'nowhere', 'file') });
    expect(drain.drain(undefined)).toBe('done');
    expect(told).toEqual([
      'the drain could not be written down: it will not outlive a crash of this node',
      'weight 0',
    ]);
  });
});
