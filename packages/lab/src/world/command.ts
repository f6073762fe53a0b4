import { spawn } from 'node:child_process';
import { LabError } from '../errors.js';

/** What a finished command left behind. `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** More output than this from one command is cut off, in characters. */
const OUTPUT_LIMIT = 4_000_000;

/**
 * Runs a command to its end and returns what it said; a code other than 0 is a result, not an error.
 *
 * @throws LabError `commandMissing` when there is no such command.
 */
export function run(command: string, args: readonly string[], stdin = ''): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < OUTPUT_LIMIT) stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < OUTPUT_LIMIT) stderr += text;
    });
    child.on('error', (error) =>
      reject(new LabError('commandMissing', `'${command}' cannot be run (${error.message}): install it.`)),
    );
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => undefined); // it may end without reading its input
    child.stdin.end(stdin);
  });
}

/**
 * Runs a command that must succeed.
 *
 * @returns its standard output.
 * @throws LabError `commandFailed` with what it said.
 */
export async function must(command: string, args: readonly string[], stdin = ''): Promise<string> {
  const result = await run(command, args, stdin);
  if (result.code !== 0) {
    const shown =
      stdin === '' ? [command, ...args].join(' ') : `${[command, ...args].join(' ')} <<\n${stdin}`;
    throw new LabError(
      'commandFailed',
      `'${shown}' failed: ${result.stderr.trim() || `exit ${result.code}`}`,
    );
  }
  return result.stdout;
}

/** Runs `ip` commands, one a line, inside a network namespace. Stops at the first that fails. */
export async function ipBatch(namespace: string, lines: readonly string[]): Promise<void> {
  await must('ip', ['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`);
}
