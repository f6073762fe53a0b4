import type { SummaryDocument } from '@ringmaster/simulator';
import { Summary } from '@ringmaster/simulator';
import { commit } from './commit.js';
import type { Options } from './options.js';
import { readOptions } from './options.js';
import { runSeeds } from './pool.js';
import { Progress } from './progress.js';
import { reportFailure, tellSeed } from './story.js';

/** Failures that are shrunk and shown; the others are listed. */
const SHOWN_FAILURES = 3;

const print = (line: string): unknown => process.stdout.write(`${line}\n`);

async function runMany(options: Options): Promise<boolean> {
  const { seeds, from, jobs, nodes, json, sabotage } = options;
  const summary = new Summary();
  const progress = new Progress(seeds, json);
  const startedMs = performance.now();
  let done = 0;
  let failed = 0;
  await runSeeds({
    ...{ jobs, from, seeds, nodes, sabotage },
    onResult: (result) => {
      summary.add(result);
      if (result.violations.length > 0) failed++;
      progress.show(++done, failed);
    },
  });
  const document = summary.document();
  if (json) print(JSON.stringify({ ...document, violations: document.violations.map(withoutText) }));
  else report(document, (performance.now() - startedMs) / 1000, options);
  return !summary.failed;
}

function withoutText({ seed, invariant, atMs }: SummaryDocument['violations'][number]): object {
  return { seed, invariant, atMs };
}

function report(document: SummaryDocument, seconds: number, options: Options): void {
  const { seeds, events, violations, coverage, convergence } = document;
  print(
    `${seeds} seeds, ${events} events in ${seconds.toFixed(1)} s: ${Math.round(events / seconds)} a second`,
  );
  const never = Object.entries(coverage).flatMap(([name, count]) => (count === 0 ? [name] : []));
  if (never.length > 0) print(`never happened: ${never.join('; ')}`);
  print('converged after the last fault, by node count (ms):');
  for (const [nodes, { p50Ms, p99Ms, maxMs, boundMs }] of Object.entries(convergence))
    print(`  ${nodes.padStart(3)}: p50 ${p50Ms}, p99 ${p99Ms}, max ${maxMs}, bound ${boundMs}`);
  print(
    violations.length === 0 ? 'no invariant fell' : `${violations.length} seeds failed, commit ${commit()}:`,
  );
  for (const { seed, invariant, atMs, what } of violations.slice(0, 50))
    print(`  seed ${seed}: invariant ${invariant} at ${atMs} ms: ${what}`);
  for (const { seed } of violations.slice(0, SHOWN_FAILURES)) reportFailure(seed, options);
}

const options = readOptions(process.argv);
const passed = options.seed === undefined ? await runMany(options) : tellSeed(options.seed, options);
process.exitCode = passed ? 0 : 1;
