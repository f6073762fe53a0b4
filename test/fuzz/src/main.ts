/**
 * `npm run fuzz`: arbitrary and mutated bytes to everything that decodes, guided by coverage. Each target runs in a
 * thread of its own, one after the other; this thread watches, reports, and sets the exit code: 0 only if nothing broke.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { fromHex, toHex, writeCorpus, writeCrash } from './corpus.js';
import { distribute, type Options, parseOptions, USAGE } from './options.js';
import { type Report, supervise } from './supervise.js';

/** Yields to whatever else the machine has to do. */
const NICENESS = 10;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function progress(target: string, inputs: number, done: number): void {
  if (!process.stdout.isTTY) return;
  const percent = inputs === 0 ? 100 : Math.floor((100 * done) / inputs);
  process.stdout.write(`\r${target.padEnd(18)}${String(percent).padStart(4)} %  `);
}

function tell(report: Report): void {
  const { target, inputs, seconds, reached, places, corpus } = report;
  if (process.stdout.isTTY) process.stdout.write('\r');
  const rate = Math.round(inputs / Math.max(seconds, 0.001));
  say(
    `${target.padEnd(18)}${String(inputs).padStart(10)} inputs ${seconds.toFixed(1).padStart(7)} s ${String(rate).padStart(9)}/s` +
      `  reached ${String(reached).padStart(5)} of ${String(places).padStart(5)}  corpus ${corpus.length}`,
  );
}

function tellCrash(report: Report, directory: string | undefined): void {
  if (report.crash === undefined) return;
  const { input, error } = report.crash;
  const hex = toHex(input);
  say(`\nCRASH in ${report.target}: ${error}`);
  say(`input (${input.length} bytes): ${hex}`);
  say(`kept in ${writeCrash(report.target, input, directory)}`);
  say(`again:  npm run fuzz -- --target ${report.target} --replay '${hex}'\n`);
}

function replayInput(text: string): Uint8Array {
  return fromHex(existsSync(text) ? readFileSync(text, 'utf8') : text);
}

async function runAll(options: Options): Promise<Report[]> {
  const { targets, seed, hangMs, blind, save } = options;
  const replay = options.replay === undefined ? undefined : replayInput(options.replay);
  const shares = distribute(options.inputs, targets);
  const reports: Report[] = [];
  for (const [n, target] of targets.entries()) {
    const inputs = replay === undefined ? shares[n] : 1;
    const onProgress = (done: number): void => progress(target, inputs, done);
    const task = { target, inputs, seed, replay, hangMs, onProgress, guided: !blind, minimise: save };
    const report = await supervise(task);
    reports.push(report);
    tell(report);
    tellCrash(report, options.crashDirectory);
    if (save && report.crash === undefined) say(`wrote ${writeCorpus(target, report.corpus)}`);
  }
  return reports;
}

function summary(options: Options, reports: readonly Report[]): object {
  const sum = (of: (report: Report) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  return {
    seed: options.seed,
    inputs: sum((report) => report.inputs),
    seconds: Math.round(sum((report) => report.seconds)),
    targets: reports.map(({ target, inputs, seconds, reached, places }) => ({
      target,
      inputs,
      seconds,
      reached,
      places,
    })),
    crashes: reports.flatMap(({ target, crash }) =>
      crash === undefined
        ? []
        : [{ target, input: toHex(crash.input), error: crash.error.split('\n', 1)[0] }],
    ),
  };
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const parsed = parseOptions(args);
  if (!parsed.ok) {
    process.stderr.write(`${parsed.message}\n\n${USAGE}`);
    return 2;
  }
  const { options } = parsed;
  setPriority(NICENESS);
  say(`seed ${options.seed}`);
  const reports = await runAll(options);
  const crashes = reports.filter((report) => report.crash !== undefined).length;
  const inputs = reports.reduce((sum, report) => sum + report.inputs, 0);
  say(`${inputs} inputs, ${crashes} crashes`);
  if (options.json) say(JSON.stringify(summary(options, reports)));
  return crashes === 0 ? 0 : 1;
}

process.exitCode = await main();
