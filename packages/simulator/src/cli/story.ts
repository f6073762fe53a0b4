import type { RunResult, Scenario } from '@ringmaster/simulator';
import { describeFault, generate, run, SABOTAGES, shrink, Trace } from '@ringmaster/simulator';
import { commit } from './commit.js';
import type { Options } from './options.js';

const print = (line: string): unknown => process.stdout.write(`${line}\n`);

/** One seed, by itself: its schedule, its story when asked for, and the verdict. True when no invariant fell. */
export function tellSeed(seed: number, options: Options): boolean {
  const sabotage = options.sabotage === undefined ? {} : { sabotage: SABOTAGES[options.sabotage] as never };
  const whole = generate(seed, options.nodes);
  const scenario = (options.shrink ? shrink(whole, sabotage) : undefined) ?? whole;
  const observers = options.trace ? [new Trace(print, options.packets)] : [];
  if (!options.json) printSchedule(scenario);
  const result = run(scenario, { ...sabotage, observers });
  if (options.json) print(JSON.stringify(result));
  else printVerdict(result);
  return result.violations.length === 0;
}

/** What is needed to see a failure again: seed, commit and the smallest schedule in which it happens. */
export function reportFailure(seed: number, options: Options): void {
  const sabotage = options.sabotage === undefined ? {} : { sabotage: SABOTAGES[options.sabotage] as never };
  const scenario = shrink(generate(seed, options.nodes), sabotage);
  if (!scenario) return;
  print(`\nseed ${seed}, commit ${commit()}, shrunk:`);
  printSchedule(scenario);
  printVerdict(run(scenario, sabotage));
  const { from, to } = options.nodes;
  print(`  npm run simulate -- --seed ${seed} --nodes ${from}..${to} --shrink --trace`);
}

function printSchedule(scenario: Scenario): void {
  const { nodes, sealed, config, base, faults, lastingSides, stormEndMs, settledMs } = scenario;
  print(`  ${nodes.length} nodes, ${sealed ? 'sealed' : 'not sealed'}, ${JSON.stringify(config)}`);
  print(`  network: ${JSON.stringify(base)}`);
  for (const fault of faults) print(`  ${fault.atMs.toFixed(1).padStart(9)}  ${describeFault(fault)}`);
  if (lastingSides) print(`  apart for good: ${lastingSides.join(' ')}`);
  print(`  faults end at ${stormEndMs.toFixed(1)}, converged by ${settledMs.toFixed(1)} at the latest`);
}

function printVerdict({ violations, convergedAfterMs, events }: RunResult): void {
  for (const { invariant, atMs, what } of violations)
    print(`  invariant ${invariant} fell at ${atMs} ms: ${what}`);
  if (violations.length > 0) return;
  print(
    `  no invariant fell; converged ${Math.round(convergedAfterMs ?? 0)} ms after the last fault; ${events} events`,
  );
}
