/**
 * Fault injection with containers: `npm run test:docker`. docs/testing.md tells of it.
 *
 * Exit codes: 0 everything holds, 1 something does not, 2 wrong usage, 3 no containers can be run here.
 */
import { Command } from 'commander';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NoEngine, useEngine } from './engine.js';
import { buildImage, imageMegabytes } from './image.js';
import { Theatre, type Result } from './perform.js';
import { writeReport } from './report/page.js';
import { scenarios } from './scenarios/index.js';
import type { Scenario } from './scenario.js';
import { Cluster } from './cluster.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const EXIT = { ok: 0, failed: 1, usage: 2, noEngine: 3 } as const;

interface Options {
  readonly scenario?: string[];
  readonly repeat: number;
  readonly list?: boolean;
  readonly json?: boolean;
  readonly report: string;
}

const options = new Command('test:docker')
  .description(
    'Breaks clusters of containers in all ways and looks at what becomes of requests and connections.',
  )
  .option('-s, --scenario <name...>', 'only these')
  .option('-r, --repeat <n>', 'each so often', Number, 1)
  .option('-l, --list', 'name the scenarios and end')
  .option('--json', 'the last line of standard output is the result, as one object')
  .option('--report <directory>', 'where the pages are written', join(ROOT, 'out', 'docker'))
  .parse()
  .opts<Options>();

/** With --json people read standard error. */
const say = (text: string): void =>
  void (options.json === true ? process.stderr : process.stdout).write(`${text}\n`);

function chosen(): readonly Scenario[] {
  const wanted = options.scenario;
  const unknown = wanted?.filter((name) => !scenarios.some((scenario) => scenario.name === name)) ?? [];
  if (unknown.length > 0 || !Number.isInteger(options.repeat) || options.repeat < 1) {
    const names = scenarios.map(({ name }) => name).join(', ');
    say(
      unknown.length > 0
        ? `no scenario ${unknown.join(', ')}; there are: ${names}`
        : '--repeat: expected a whole number from 1',
    );
    process.exit(EXIT.usage);
  }
  return wanted === undefined ? scenarios : scenarios.filter(({ name }) => wanted.includes(name));
}

function tell(result: Result): void {
  const { scenario, ok, judgements, longestGapMs, requests, failed, tookMs, lost, dispatcher } = result;
  say(
    `${ok ? '  ok ' : 'FAIL '} ${scenario.padEnd(16)} longest gap ${longestGapMs} ms, ${failed} of ${requests} requests failed, ` +
      `connections lost: ${lost.spared} (and ${lost.harmed} with their servers), dispatcher ${dispatcher ?? 'unknown'}, ` +
      `took ${(tookMs / 1000).toFixed(0)} s`,
  );
  for (const { that, ok: holds, found } of judgements)
    say(`        ${holds ? 'ok  ' : 'FAIL'} ${that} (${found})`);
  if (!ok)
    for (const { at, node = '', text } of result.timeline)
      say(`        ${String(at).padStart(6)} ms ${node} ${text}`);
}

async function performAll(theatre: Theatre): Promise<Result[]> {
  const results: Result[] = [];
  for (let run = 0; run < options.repeat; run++) {
    if (options.repeat > 1) say(`run ${run + 1} of ${options.repeat}`);
    for (const scenario of chosen()) {
      const result = await theatre.perform(scenario);
      tell(result);
      results.push(result);
    }
  }
  return results;
}

async function main(): Promise<number> {
  const engine = await useEngine(join(ROOT, '.dev', 'docker'), say);
  say(`Docker engine: ${engine.whose}`);
  let theatre: Theatre | undefined;
  let clearing: Promise<void> | undefined;
  const clear = () => (clearing ??= Cluster.clear().finally(() => engine.stop()));
  const interrupted = () => {
    theatre?.close();
    void clear().finally(() => process.exit(EXIT.failed));
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await Cluster.clear();
    const image = await buildImage(ROOT, say);
    const megabytes = await imageMegabytes(image);
    say(`image ${image}, ${megabytes} MB`);
    theatre = new Theatre(ROOT, image);
    const results = await performAll(theatre);
    const page = writeReport(options.report, results);
    const ok = results.every((result) => result.ok);
    say(`${results.filter((result) => result.ok).length} of ${results.length} hold; report: ${page}`);
    const slim = results.map(({ drawn: _drawn, ...rest }) => rest);
    if (options.json === true)
      process.stdout.write(`${JSON.stringify({ ok, imageMegabytes: megabytes, scenarios: slim })}\n`);
    return ok ? EXIT.ok : EXIT.failed;
  } finally {
    await clear();
  }
}

if (options.list === true) {
  for (const { name, about } of scenarios) say(`${name.padEnd(16)} ${about}`);
} else {
  chosen();
  process.exitCode = await main().catch((error: unknown) => {
    if (!(error instanceof NoEngine)) throw error;
    say('No containers can be run here, so NOTHING WAS TESTED with Docker. What was tried:');
    for (const line of error.tried) say(`  ${line}`);
    if (options.json === true)
      process.stdout.write(`${JSON.stringify({ ok: false, noEngine: error.tried })}\n`);
    return EXIT.noEngine;
  });
}
