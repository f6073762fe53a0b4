import { parseArgs } from 'node:util';
import { CATALOGUE } from './catalogue.js';

export interface Options {
  readonly inputs: number;
  readonly targets: readonly string[];
  readonly seed: number;
  readonly hangMs: number;
  readonly replay: string | undefined;
  readonly save: boolean;
  readonly blind: boolean;
  readonly json: boolean;
  /** Where inputs that broke something are kept. */
  readonly crashDirectory: string | undefined;
}

export type OptionsResult =
  { readonly ok: true; readonly options: Options } | { readonly ok: false; readonly message: string };

export const USAGE = `Usage: npm run fuzz -- [options]

  --inputs N      how many inputs, over all targets (default 10000000)
  --target NAME   only this one; may be repeated
  --seed S        repeat a run (default: drawn, and printed)
  --replay X      run one input: hex digits, or a file of test/fuzz/crashes/; needs one --target
  --save          write the minimised corpus to test/fuzz/corpus/
  --hang-ms N     an input that takes longer counts as a crash (default 10000)
  --blind         do not heed coverage; for the proof that heeding it is what finds things
  --crashes DIR   where inputs that broke something are kept (default test/fuzz/crashes)
  --json          one JSON object as the last line

Targets:
${Object.entries(CATALOGUE)
  .map(([name, { what }]) => `  ${name.padEnd(16)} ${what}`)
  .join('\n')}
`;

const DEFAULT_INPUTS = 10_000_000;
const DEFAULT_HANG_MS = 10_000;

const SPECIFICATION = {
  inputs: { type: 'string', default: String(DEFAULT_INPUTS) },
  target: { type: 'string', multiple: true, default: [] as string[] },
  seed: { type: 'string' },
  replay: { type: 'string' },
  save: { type: 'boolean', default: false },
  'hang-ms': { type: 'string', default: String(DEFAULT_HANG_MS) },
  blind: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  crashes: { type: 'string' },
} as const;

/** Reads the command line; a message says what is wrong with it. */
export function parseOptions(args: readonly string[]): OptionsResult {
  let values;
  try {
    values = parseArgs({ args: [...args], options: SPECIFICATION, strict: true }).values;
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
  const inputs = Number(values.inputs);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
  const hangMs = Number(values['hang-ms']);
  if (![inputs, seed, hangMs].every((n) => Number.isSafeInteger(n) && n >= 0)) {
    return { ok: false, message: '--inputs, --seed and --hang-ms are whole numbers' };
  }
  const unknown = values.target.find((name) => !Object.hasOwn(CATALOGUE, name));
  if (unknown !== undefined) return { ok: false, message: `there is no target ${unknown}` };
  if (values.replay !== undefined && values.target.length !== 1) {
    return { ok: false, message: '--replay needs one --target' };
  }
  const targets = values.target.length > 0 ? values.target : allTargets();
  const { replay, save, blind, json, crashes: crashDirectory } = values;
  return { ok: true, options: { inputs, targets, seed, hangMs, replay, save, blind, json, crashDirectory } };
}

function allTargets(): string[] {
  return Object.keys(CATALOGUE).filter((name) => CATALOGUE[name].share > 0);
}

/** How many of `inputs` each target gets, by its share; those that are named and have none count like the smallest. */
export function distribute(inputs: number, targets: readonly string[]): number[] {
  const shares = targets.map((name) => Math.max(1, CATALOGUE[name].share));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => Math.ceil((inputs * share) / sum));
}
