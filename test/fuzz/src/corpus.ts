import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `test/fuzz`, seen from where this is built to. */
const HOME = fileURLToPath(new URL('..', import.meta.url));

const corpusFile = (target: string): string => join(HOME, 'corpus', `${target}.txt`);

/** The committed inputs of a target: one a line, in hex. */
export function readCorpus(target: string): Uint8Array[] {
  const file = corpusFile(target);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(fromHex) : [];
}

/** Replaces the inputs of a target; returns the file. */
export function writeCorpus(target: string, inputs: readonly Uint8Array[]): string {
  mkdirSync(join(HOME, 'corpus'), { recursive: true });
  const lines = inputs.filter((input) => input.length > 0).map(toHex);
  writeFileSync(corpusFile(target), lines.map((line) => `${line}\n`).join(''));
  return corpusFile(target);
}

/** Keeps an input that broke something, named by what it is; returns the file. */
export function writeCrash(target: string, input: Uint8Array, directory = join(HOME, 'crashes')): string {
  mkdirSync(directory, { recursive: true });
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const file = join(directory, `${target}-${name}.hex`);
  writeFileSync(file, `${toHex(input)}\n`);
  return file;
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Hex digits, as far as they go, to bytes. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.trim(), 'hex'));
}
