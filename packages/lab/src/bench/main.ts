/**
 * `npm run bench`: work through a Ringmaster dispatcher, side by side with the same work straight to the servers.
 * The machine decides the absolute figures; the ratios, taken round by round, are what to look at.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from '../errors.js';
import { enterLab } from '../world/enter.js';
import { DIRECT } from './contenders.js';
import { failoverLines, measureFailovers } from './failovers.js';
import { readOptions } from './options.js';
import { measurePacketRate } from './packetRate.js';
import { picture } from './picture.js';
import { measureRebuilds, rebuildLines } from './rebuilds.js';
import { compare, table } from './report.js';
import { targetLines } from './targets.js';
import { measureThroughput } from './throughput.js';

const MAP_BENCH = fileURLToPath(new URL('../../../dispatch/bench/map.mjs', import.meta.url));

async function writeFileIn(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

function print(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  console.log(`\n${title}`);
  for (const line of lines) console.log(`  ${line}`);
}

async function main(): Promise<void> {
  const chosen = readOptions();
  if (chosen.map) {
    process.exitCode = spawnSync(process.execPath, [MAP_BENCH], { stdio: 'inherit' }).status ?? 1;
    return;
  }
  const output = resolve(chosen.output);
  const pictureFile = chosen.picture === undefined ? undefined : resolve(chosen.picture);
  await enterLab();
  const { rounds, seconds } = chosen;
  const work = rounds > 0 ? await measureThroughput(chosen) : undefined;
  // Clusters of their own: the services of the work above are not started again by a returning host.
  const packets = chosen.packets > 0 ? await measurePacketRate(chosen.packets, seconds) : [];
  const rebuilds = await measureRebuilds(chosen.rebuilds);
  const failovers = await measureFailovers({
    killed: chosen.failovers,
    silent: chosen.silent,
    keepalived: chosen.keepalived,
  });
  const rows = compare([...(work?.series ?? []), ...packets], DIRECT);
  if (rows.length > 0) {
    console.log(`\n${table(rows).join('\n')}\n`);
    console.log(
      'Ratios are to the direct path, or to the first contender where that has no such figure, taken',
    );
    console.log('round by round; for times above 1 is slower.');
  }
  print('Targets:', targetLines(rows));
  print('Connections learned anew:', rebuildLines(rebuilds));
  print('Failover, from the fault to the first served request:', failoverLines(failovers));
  const about = { at: new Date().toISOString(), node: process.version, rounds, seconds };
  const document = { ...about, ...work, packets, rows, rebuilds, failovers };
  await writeFileIn(output, `${JSON.stringify(document, undefined, 2)}\n`);
  console.log(`\nAll figures: ${output}`);
  if (pictureFile !== undefined) await writeFileIn(pictureFile, picture(rows));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`\nbench: ${error.message}\n`);
  process.exit(1);
}
