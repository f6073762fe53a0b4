/** Reads a configuration file from disk. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseConfig } from './parse.js';
import type { ConfigProblem, ConfigResult } from './problem.js';
import type { NodeConfig } from './types.js';

/** Far more than 64 clusters of 256 ports need; a wrong path to a log or a disk image stops here. */
const LARGEST_FILE_BYTES = 1 << 20;

/** What to tell somebody whose file could not be read, by errno. */
export function readFailure(
  path: string,
  error: unknown,
  cures: { missing: string; denied: string },
): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return `${path} does not exist; ${cures.missing}`;
  if (code === 'EACCES' || code === 'EPERM') return `${path} may not be read; ${cures.denied}`;
  if (code === 'EISDIR') return `${path} is a directory; name the file in it`;
  return `${path} could not be read: ${message}`;
}

function unreadable(message: string): ConfigResult<never> {
  const problem: ConfigProblem = { code: 'unreadable', path: [], message };
  return { ok: false, problems: [problem] };
}

/**
 * Reads and checks the configuration file at `path` (absolute, or relative to the working directory).
 * Never throws for what a file may contain; all problems of the file are returned together.
 */
export function loadConfig(path: string): ConfigResult<NodeConfig> {
  const file = resolve(path);
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > LARGEST_FILE_BYTES) {
      return unreadable(`${file} is ${size} bytes long; a configuration has at most ${LARGEST_FILE_BYTES}`);
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const cures = {
      missing: 'write one with `ringmaster init`, or name another with --config',
      denied: 'run as its owner or as root',
    };
    return unreadable(readFailure(file, error, cures));
  }
  return parseConfig(text, file);
}
