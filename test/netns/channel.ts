import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Host } from '@ringmaster/lab';

interface Answer {
  readonly id: number;
  readonly value: unknown;
  readonly problem?: { readonly code?: string; readonly message: string };
}

/** A program of `programs/` that runs on a host of the lab and does what the test says. */
export interface Channel {
  readonly pid: number;
  /** Calls one of the program's functions there; rejects with its error, `code` included. */
  call<T = void>(name: string, ...args: unknown[]): Promise<T>;
  close(): Promise<void>;
}

/** Starts a program; `prefix` is a command that runs it, e.g. with fewer rights. */
export function openChannel(host: Host, program: string, prefix: readonly string[] = []): Channel {
  const path = fileURLToPath(new URL(`./programs/${program}`, import.meta.url));
  const argv = ['netns', 'exec', host.namespace, ...prefix, process.execPath, path];
  const child = spawn('ip', argv, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const open = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  child.on('message', (message) => {
    const answer = message as Answer;
    open.get(answer.id)?.(answer);
    open.delete(answer.id);
  });
  child.on('exit', () => {
    for (const [id, settle] of open)
      settle({ id, value: undefined, problem: { message: `${program} has ended` } });
  });
  return {
    pid: child.pid ?? -1,
    call: <T>(name: string, ...args: unknown[]) =>
      new Promise<T>((resolve, reject) => {
        const id = ++lastId;
        open.set(id, ({ value, problem }) => {
          if (problem === undefined) resolve(value as T);
          else reject(Object.assign(new Error(problem.message), { code: problem.code }));
        });
        child.send({ id, name, args });
      }),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
