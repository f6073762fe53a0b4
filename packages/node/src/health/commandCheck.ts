import { spawn, type ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import type { CheckOutcome } from './outcome.js';

/** What is kept of what a command says: enough for a reason. */
const KEPT_BYTES = 4096;
/** Of that, what a reason shows. */
const SHOWN_CHARACTERS = 200;

/** After its end, what it said last may still be in the pipe; whoever it has left behind may hold that open for ever. */
const LAST_WORDS_MS = 50;

/** The commands that run now: none outlives the node. */
const running = new Set<ChildProcess>();
let isWatching = false;

function watch(child: ChildProcess): void {
  running.add(child);
  if (!isWatching) process.once('exit', () => running.forEach(killGroup));
  isWatching = true;
}

/**
 * A service works when a command says so by its exit code 0. It is run without a shell, in a process group of its own, which
 * is killed when the time is over, with whatever it has started. Never rejects.
 * @param command program and arguments
 */
export function checkCommand(command: readonly string[], timeoutMs: number): Promise<CheckOutcome> {
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    let timer: NodeJS.Timeout | undefined;
    const end = (why: string | undefined): void => {
      clearTimeout(timer);
      child.removeAllListeners().on('error', () => undefined);
      running.delete(child);
      // Also what it has left in the background: it would pile up with every check, and hold the pipes open.
      killGroup(child);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(why === undefined ? { ok: true } : { ok: false, why: `${program} ${why}` });
    };
    child.on('error', (error) => end(`could not be run: ${error.message}`));
    if (child.pid === undefined) return;
    watch(child);
    giveOrdinaryPriority(child.pid);
    timer = setTimeout(() => end(`did not end within ${timeoutMs} ms`), timeoutMs);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => keep(said, chunk));
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      const tell = (): void => end(code === 0 ? undefined : describeEnd(code, signal, said));
      timer = setTimeout(tell, LAST_WORDS_MS);
      child.on('close', tell);
    });
  });
}

function keep(said: Buffer[], chunk: Buffer): void {
  const room = KEPT_BYTES - said.reduce((sum, { length }) => sum + length, 0);
  if (room > 0) said.push(chunk.subarray(0, room));
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null, said: readonly Buffer[]): string {
  const end = code === null ? `was ended by ${signal}` : `ended with ${code}`;
  const lines = Buffer.concat(said).toString('utf8').split('\n');
  const line = lines.map((text) => text.trim()).find((text) => text !== '');
  return line === undefined ? end : `${end}: ${line.slice(0, SHOWN_CHARACTERS)}`;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

/** The node may have a better place at the CPU, which is not meant for its children. */
function giveOrdinaryPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_NORMAL);
  } catch {
    // It has ended already, or may not have it changed.
  }
}
