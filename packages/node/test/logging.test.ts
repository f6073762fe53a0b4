import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from '../src/logging.js';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-log-'));
  file = join(directory, 'log');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** What a logger with these options writes for some events. */
function written(options: LoggerOptions, log: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const fd = openSync(file, 'w');
  log(createLogger({ ...options, fd }));
  closeSync(fd);
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

it('writes one JSON object a line when nobody watches', () => {
  const lines = written({}, (logger) => logger.info('took over', { from: '10.0.0.11', gapMs: 42 }));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 'info', message: 'took over', from: '10.0.0.11', gapMs: 42, timestamp: expect.any(String) },
  ]);
});

it('writes readable lines on request, and obeys no control characters from outside', () => {
  const lines = written({ format: 'human' }, (logger) => {
    logger.warn('odd name', { name: 'a\u001b[31m\nb', count: 2 });
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}odd name {2}name="a\\u001b\[31m\\nb" count=2$/);
});

it('leaves out what is below the level', () => {
  const lines = written({ level: 'warn' }, (logger) => {
    logger.info('no');
    logger.debug('no');
    logger.error('yes');
  });
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(['yes']);
});

it('reports lost lines once it can write again', () => {
  const full = openSync('/dev/full', 'w');
  const logger = createLogger({ fd: full });
  logger.info('lost');
  closeSync(full);
  // The disk has room again: the same descriptor now leads to a file.
  const again = openSync(file, 'w');
  expect(again).toBe(full);
  logger.info('kept');
  closeSync(again);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', lines: 1 },
    { level: 'info', message: 'kept' },
  ]);
});

/** A program that logs 2,000 long lines to standard error and then says on standard output that it is alive. */
const PROGRAM = `
  import { createLogger } from ${JSON.stringify(new URL('../dist/logging.js', import.meta.url).href)};
  const logger = createLogger();
  for (let i = 0; i < 2000; i++) logger.info('x'.repeat(1000));
  setTimeout(() => { logger.info('end'); process.stdout.write('alive'); }, 20);
`;

function run(stderr: 'pipe' | number): Promise<{ output: string; code: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', stderr],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => {
    child.on('exit', (code) => {
      child.stderr?.destroy();
      setImmediate(() => resolve({ output, code }));
    });
  });
}

it('does not stop for a socket that nobody reads', async () => {
  expect(await run('pipe')).toEqual({ output: 'alive', code: 0 });
});

it('does not die of a full disk', async () => {
  const full = openSync('/dev/full', 'w');
  expect(await run(full)).toEqual({ output: 'alive', code: 0 });
  closeSync(full);
});

it.each(['true', 'sleep 0.3'])('neither dies nor stops when its log is piped into: %s', (reader) => {
  const script = `{ "$0" --input-type=module -e "$1" 2>&1 >&3 | ${reader}; } 3>&1`;
  expect(execFileSync('sh', ['-c', script, process.execPath, PROGRAM], { encoding: 'utf8' })).toBe('alive');
});
