/**
 * Cluster keys (R20): 32 random bytes, written as base64 or hex on a line of their own. Lines that start with `#`
 * are comments.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readFailure } from './load.js';
import type { ConfigProblem, ConfigResult } from './problem.js';

export const KEY_BYTES = 32;

/** A key file holds one line of text; anything much larger is another file. */
const LARGEST_FILE_BYTES = 4096;

/** Fresh randomness for a cluster: `KEY_BYTES` bytes. */
export function generateKey(): Uint8Array {
  return new Uint8Array(randomBytes(KEY_BYTES));
}

/** The text of a key file. Write it with mode 0600. */
export function formatKeyFile(key: Uint8Array): string {
  const comment = '# Ringmaster cluster key. Secret; the same file on every node of the cluster.';
  return `${comment}\n${Buffer.from(key).toString('base64')}\n`;
}

function decodeKey(text: string): Uint8Array | undefined {
  if (/^(?:[0-9a-fA-F]{2})+$/.test(text) && text.length === 2 * KEY_BYTES) {
    return new Uint8Array(Buffer.from(text, 'hex'));
  }
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** Reads the text of a key file, or says what is wrong with it. */
export function parseKey(text: string): { ok: true; key: Uint8Array } | { ok: false; message: string } {
  const lines = text.split('\n').map((line) => line.trim());
  const written = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const wanted = `expected ${KEY_BYTES} random bytes as base64 or hex on one line`;
  if (written.length !== 1) return { ok: false, message: `${wanted}, found ${written.length} lines` };
  const key = decodeKey(written[0]);
  if (key === undefined) return { ok: false, message: `${wanted}, found other characters` };
  if (key.length !== KEY_BYTES) return { ok: false, message: `${wanted}, found ${key.length} bytes` };
  if (new Set(key).size < 8) return { ok: false, message: `${wanted}, found the same few bytes repeated` };
  return { ok: true, key };
}

export interface LoadedKeys {
  /** In the order of the configuration: the first seals, all open. */
  readonly keys: readonly Uint8Array[];
  /** Things that work but should be mended, each a sentence with its cure. */
  readonly warnings: readonly string[];
}

const GROUP_AND_OTHERS = 0o077;

function loadKey(file: string): { key: Uint8Array; warning?: string } | ConfigProblem {
  const path = ['ring', 'keyFile'];
  try {
    const { mode, size } = statSync(file);
    if (size > LARGEST_FILE_BYTES) {
      const message = `${file} is not a key file: it is ${size} bytes long, a key file has less than 100`;
      return { code: 'key-invalid', path, message };
    }
    const parsed = parseKey(readFileSync(file, 'utf8'));
    if (!parsed.ok) {
      const message = `${file} is not a key file: ${parsed.message}; \`ringmaster init\` makes one`;
      return { code: 'key-invalid', path, message };
    }
    if ((mode & GROUP_AND_OTHERS) === 0) return { key: parsed.key };
    const others = (mode & 0o007) === 0 ? 'its group' : 'everybody';
    const warning = `${file} may be used by ${others} (mode ${(mode & 0o777).toString(8)}); run: chmod 600 ${file}`;
    return { key: parsed.key, warning };
  } catch (error) {
    const cures = {
      missing: 'copy it from another node of the cluster, or make the first with `ringmaster init`',
      denied: 'run as its owner or as root',
    };
    return { code: 'key-missing', path, message: readFailure(file, error, cures) };
  }
}

/** Reads every key file of a configuration; all problems are returned together. */
export function loadKeys(files: readonly string[]): ConfigResult<LoadedKeys> {
  const keys: Uint8Array[] = [];
  const warnings: string[] = [];
  const problems: ConfigProblem[] = [];
  for (const file of files) {
    const loaded = loadKey(file);
    if ('code' in loaded) {
      problems.push(loaded);
      continue;
    }
    keys.push(loaded.key);
    if (loaded.warning !== undefined) warnings.push(loaded.warning);
  }
  return problems.length === 0 ? { ok: true, value: { keys, warnings } } : { ok: false, problems };
}
