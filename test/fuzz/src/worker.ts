/** Fuzzes one target in a thread of its own, in which our modules are loaded with counters. */
import { register } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { CATALOGUE } from './catalogue.js';
import { readCorpus } from './corpus.js';
import { Coverage, type CoverageObject } from './coverage.js';
import { attempt, type Crash, describe, fuzz, minimise } from './engine.js';
import type { Target } from './target.js';
import { Watched } from './watch.js';

/** What is to be done. */
export interface Task {
  readonly target: string;
  readonly inputs: number;
  readonly seed: number;
  readonly guided: boolean;
  /** Give back a minimised corpus. */
  readonly minimise: boolean;
  /** Run this one input and nothing else. */
  readonly replay: Uint8Array | undefined;
  readonly watched: SharedArrayBuffer;
}

/** What came of it. */
export interface Outcome {
  readonly inputs: number;
  /** Places of the code that were reached, of how many that were loaded. */
  readonly reached: number;
  readonly places: number;
  readonly corpus: readonly Uint8Array[];
  readonly crash?: Crash;
}

/** What the thread says: first `ready`, last `done`. */
export type WorkerMessage = { readonly kind: 'ready' } | { readonly kind: 'done'; readonly outcome: Outcome };

/** Largest input of any target. */
export const MAX_INPUT_BYTES = 4096;

async function loadTarget(name: string): Promise<Target> {
  register('./hooks.js', import.meta.url);
  const { target } = (await import(CATALOGUE[name].module)) as { target: Target };
  return target;
}

async function work(task: Task): Promise<Outcome> {
  const target = await loadTarget(task.target);
  const counted = globalThis as { __coverage__?: CoverageObject };
  const coverage = new Coverage(counted.__coverage__ ?? {});
  parentPort?.postMessage({ kind: 'ready' } satisfies WorkerMessage);
  const watched = new Watched(MAX_INPUT_BYTES, task.watched);
  if (task.replay !== undefined) {
    watched.begin(task.replay);
    const error = await attempt(target, task.replay);
    const crash = error === undefined ? {} : { crash: { input: task.replay, error: describe(error) } };
    return { inputs: 1, reached: 0, places: coverage.size, corpus: [], ...crash };
  }
  const announce = (input: Uint8Array): void => watched.begin(input);
  const corpus = readCorpus(task.target);
  const result = await fuzz({ ...task, target, coverage, corpus, announce });
  const { reached, size: places } = coverage;
  if (!task.minimise || result.crash) return { ...result, reached, places };
  const small = await minimise(target, coverage, result.corpus);
  return { ...result, reached, places, corpus: small };
}

if (parentPort !== null) {
  const outcome = await work(workerData as Task);
  parentPort.postMessage({ kind: 'done', outcome } satisfies WorkerMessage);
}
