import type { Coverage } from './coverage.js';
import { Mutator } from './mutator.js';
import { Random } from './random.js';
import { shrink } from './shrink.js';
import type { Target } from './target.js';

/** Inputs to begin with and inputs found later, together, are bounded. */
const MAX_CORPUS = 4096;
const SHRINK_CRASH_BUDGET = 2000;
const SHRINK_ENTRY_BUDGET = 300;

export interface FuzzOptions {
  readonly target: Target;
  readonly coverage: Coverage;
  /** How many inputs to run. */
  readonly inputs: number;
  readonly seed: number;
  /** Inputs from earlier runs. */
  readonly corpus: readonly Uint8Array[];
  /** False: what an input reaches is not heeded. For the proof that heeding it is what finds things. */
  readonly guided: boolean;
  /** Called before each input is run, for whoever watches. */
  readonly announce: (input: Uint8Array) => void;
}

export interface Crash {
  readonly input: Uint8Array;
  /** Name and message of what was thrown, and where. */
  readonly error: string;
}

export interface FuzzResult {
  /** Inputs run, without those of shrinking. */
  readonly inputs: number;
  /** Inputs that reach something each, in the order found. */
  readonly corpus: readonly Uint8Array[];
  readonly crash?: Crash;
}

/** Runs inputs until one breaks a promise or the number is reached. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { target, coverage, inputs, announce } = options;
  const random = new Random(options.seed);
  const mutator = new Mutator(random, target.maxBytes, target.dictionary);
  const firsts = [new Uint8Array(0), ...target.seeds(), ...options.corpus];
  const corpus: Uint8Array[] = [];
  let done = 0;
  for (; done < inputs; done++) {
    const input =
      done < firsts.length ? firsts[done] : mutator.mutate(pick(corpus, random), pick(corpus, random));
    announce(input);
    coverage.reset();
    try {
      const pending = target.run(input);
      if (pending !== undefined) await pending;
    } catch (error) {
      const crash = { input: await shrinkCrash(target, input.slice(), error), error: describe(error) };
      return { inputs: done + 1, corpus, crash };
    }
    const news = coverage.isNews();
    const kept = done < firsts.length || (news && options.guided);
    if (kept && corpus.length < MAX_CORPUS) corpus.push(input.slice());
  }
  return { inputs: done, corpus };
}

/** One of the corpus, half of the time one of the latest. */
function pick(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const recent = Math.ceil(corpus.length / 8);
  if (random.below(2) === 0) return corpus[corpus.length - 1 - random.below(recent)];
  return corpus[random.below(corpus.length)];
}

/** What an input makes of a target: the error thrown, or nothing. */
export async function attempt(target: Target, input: Uint8Array): Promise<unknown> {
  try {
    await target.run(input);
    return undefined;
  } catch (error) {
    return error;
  }
}

function shrinkCrash(target: Target, input: Uint8Array, error: unknown): Promise<Uint8Array> {
  const sign = String(error);
  const same = async (candidate: Uint8Array): Promise<boolean> =>
    String(await attempt(target, candidate)) === sign;
  return shrink(input, same, SHRINK_CRASH_BUDGET);
}

/** The error with its stack, as text. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}

/** The fewest and shortest inputs, greedily, that reach what the corpus reaches. */
export async function minimise(
  target: Target,
  coverage: Coverage,
  corpus: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  coverage.forget();
  const newsOf = async (input: Uint8Array): Promise<number[]> => {
    coverage.reset();
    await attempt(target, input);
    return coverage.news();
  };
  const kept: Uint8Array[] = [];
  for (const input of corpus.toSorted((a, b) => a.length - b.length)) {
    const wanted = await newsOf(input);
    if (wanted.length === 0) continue;
    const reaches = async (candidate: Uint8Array): Promise<boolean> => {
      const found = new Set(await newsOf(candidate));
      return wanted.every((place) => found.has(place));
    };
    const shortest = await shrink(input, reaches, SHRINK_ENTRY_BUDGET);
    await newsOf(shortest);
    coverage.isNews();
    kept.push(shortest);
  }
  return kept;
}
