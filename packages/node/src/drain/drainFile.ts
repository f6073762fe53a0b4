/** A drain outlives a crash of its node in a file beside the control socket. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

/** What is kept of a drain. */
export interface KeptDrain {
  /** Its deadline, wall-clock milliseconds; `null` without one. */
  readonly deadlineAtMs: number | null;
}

const schema = z.strictObject({ version: z.literal(1), deadlineAtMs: z.number().nullable() });

/** Where it is, next to the undo journal. */
export function drainPath(controlSocket: string): string {
  return `${controlSocket}.drain.json`;
}

/** The drain that a crashed node has left; `undefined` when there is none, or what is there cannot be read as one. */
export function readDrain(path: string): KeptDrain | undefined {
  try {
    const { deadlineAtMs } = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return { deadlineAtMs };
  } catch {
    return undefined;
  }
}

/** Throws the system's error when the file cannot be written. */
export function writeDrain(path: string, drain: KeptDrain): void {
  writeFileSync(path, `${JSON.stringify({ version: 1, ...drain })}\n`, { mode: 0o600 });
}

export function forgetDrain(path: string): void {
  rmSync(path, { force: true });
}
