/** The command as it is used: CI's share of the inputs, and the proof that it finds what is planted. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const MAIN = new URL('../dist/main.js', import.meta.url).pathname;
const CI_INPUTS = 200_000;
const TIMEOUT_MS = 120_000;
const crashes = mkdtempSync(join(tmpdir(), 'ringmaster-fuzz-'));
afterAll(() => rmSync(crashes, { recursive: true }));

interface Summary {
  readonly inputs: number;
  readonly targets: readonly { readonly target: string; readonly reached: number }[];
  readonly crashes: readonly { readonly target: string; readonly input: string; readonly error: string }[];
}

function run(...args: string[]): { status: number | null; output: string; summary: Summary } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [MAIN, '--json', '--crashes', crashes, ...args],
    {
      encoding: 'utf8',
    },
  );
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  return { status, output: stdout + stderr, summary: JSON.parse(last) as Summary };
}

describe('what is planted', () => {
  const hunt = ['--target', 'planted', '--inputs', '1000000', '--seed', '1'];

  it('is found behind four bytes, told, and kept', { timeout: TIMEOUT_MS }, () => {
    const { status, output, summary } = run(...hunt);
    expect(status).toBe(1);
    expect(summary.crashes).toEqual([
      { target: 'planted', input: '524dfa11', error: 'RangeError: the planted bug' },
    ]);
    expect(output).toContain("--target planted --replay '524dfa11'");
    const kept = readdirSync(crashes).filter((name) => name.startsWith('planted-'));
    expect(kept.map((name) => readFileSync(join(crashes, name), 'utf8'))).toEqual(['524dfa11\n']);
  });

  it('is not found without coverage: it was not chance', { timeout: TIMEOUT_MS }, () => {
    const { status, summary } = run(...hunt, '--blind');
    expect({ status, crashes: summary.crashes }).toEqual({ status: 0, crashes: [] });
    expect(summary.inputs).toBe(1_000_000);
  });

  it('is played again from what was told', { timeout: TIMEOUT_MS }, () => {
    expect(run('--target', 'planted', '--replay', '524dfa11').status).toBe(1);
    expect(run('--target', 'planted', '--replay', '524dfa12').status).toBe(0);
  });

  it('is ended and told when it does not end by itself', { timeout: TIMEOUT_MS }, () => {
    const { status, summary } = run('--target', 'planted-hang', '--inputs', '1000000', '--hang-ms', '1000');
    expect(status).toBe(1);
    expect(summary.crashes[0]?.error).toBe('no end after 1000 ms');
    expect(summary.crashes[0]?.input.slice(0, 2)).toBe('21');
  });
});

describe('every decoder', () => {
  it(`keeps its promises for ${CI_INPUTS} inputs`, { timeout: TIMEOUT_MS }, () => {
    // Always the same inputs: a commit fails for what it did. `npm run fuzz` draws others.
    const { status, summary } = run('--inputs', String(CI_INPUTS), '--seed', '1');
    expect(summary.crashes).toEqual([]);
    expect(status).toBe(0);
    expect(summary.inputs).toBeGreaterThanOrEqual(CI_INPUTS);
    // A target whose code is not counted would be fuzzed blindly.
    expect(summary.targets.filter(({ reached }) => reached === 0)).toEqual([]);
  });
});
