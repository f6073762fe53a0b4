import { Worker } from 'node:worker_threads';
import { Watched } from './watch.js';
import { MAX_INPUT_BYTES, type Outcome, type Task, type WorkerMessage } from './worker.js';

const LOOK_INTERVAL_MS = 500;

/** What came of fuzzing one target. */
export interface Report extends Outcome {
  readonly target: string;
  readonly seconds: number;
}

export interface Supervision extends Omit<Task, 'watched'> {
  /** One input that takes longer has no bound. */
  readonly hangMs: number;
  readonly onProgress: (inputs: number) => void;
}

/** Fuzzes one target in a thread, and ends the thread when one input does not end. */
export function supervise({ hangMs, onProgress, ...task }: Supervision): Promise<Report> {
  const watched = new Watched(MAX_INPUT_BYTES);
  const data: Task = { ...task, watched: watched.shared };
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: data });
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    let ready = false;
    let done = false;
    let last = { count: -1, atMs: startMs };
    const finish = (outcome: Outcome): void => {
      done = true;
      clearInterval(look);
      void worker.terminate();
      resolve({ target: task.target, seconds: (performance.now() - startMs) / 1000, ...outcome });
    };
    const look = setInterval(() => {
      const { count } = watched;
      const nowMs = performance.now();
      if (ready) onProgress(count);
      if (!ready || count !== last.count) last = { count, atMs: nowMs };
      else if (count < task.inputs && nowMs - last.atMs > hangMs) {
        const crash = { input: watched.input, error: `no end after ${hangMs} ms` };
        finish({ inputs: count, reached: 0, places: 0, corpus: [], crash });
      }
    }, LOOK_INTERVAL_MS);
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'ready') ready = true;
      else finish(message.outcome);
    });
    worker.on('error', (error) => {
      clearInterval(look);
      reject(error);
    });
    worker.on('exit', () => {
      clearInterval(look);
      if (!done) reject(new Error(`the thread for ${task.target} ended early`));
    });
  });
}
