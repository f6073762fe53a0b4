import { Command } from 'commander';

export interface BenchOptions {
  readonly works: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly packets: number;
  /** Numbers of connections. */
  readonly rebuilds: readonly number[];
  readonly failovers: number;
  readonly silent: number;
  readonly keepalived: number;
  readonly map: boolean;
  readonly output: string;
  readonly picture: string | undefined;
}

const COUNTS = ['rounds', 'packets', 'failovers', 'silent', 'keepalived'] as const;

const numbers = (text: string): number[] =>
  text === 'none' ? [] : text.split(',').map((part) => Number(part));

/** Reads the command line; ends the program with what is wrong with it. */
export function readOptions(): BenchOptions {
  const program = new Command('npm run bench --')
    .description(
      'Compares work through a Ringmaster dispatcher with the same work straight to the servers and through others.',
    )
    .option('--rounds <n>', 'interleaved rounds (A B A B ...), 0 for none', Number, 5)
    .option('--seconds <n>', 'length of one measurement', Number, 2)
    .option('--works <names>', 'only these of: keep-alive,new connections,bulk,latency', 'all')
    .option('--packets <n>', 'rounds of the packet flood, for which a C compiler is wanted', Number, 5)
    .option('--rebuilds <counts>', 'learn so many connections anew, e.g. 100000,1000000', numbers, [100_000])
    .option('--failovers <n>', 'how often the dispatcher is killed', Number, 10)
    .option('--silent <n>', 'how often the host of the dispatcher falls silent', Number, 10)
    .option('--keepalived <n>', 'how often keepalived does the same, where installed', Number, 3)
    .option('--map', 'only the connection map, in this process alone', false)
    .option('--output <file>', 'JSON file for all figures', 'out/bench.json')
    .option('--picture <file>', 'SVG file for a picture of the ratios');
  const chosen = program.parse().opts<BenchOptions>();
  for (const name of COUNTS) {
    if (!(Number.isInteger(chosen[name]) && chosen[name] >= 0))
      program.error(`--${name} wants a whole number`);
  }
  if (!(Number.isInteger(chosen.seconds) && chosen.seconds > 0))
    program.error('--seconds wants a whole number above 0');
  if (!chosen.rebuilds.every((count) => Number.isInteger(count) && count > 0))
    program.error('--rebuilds wants whole numbers above 0 separated by commas, or none');
  return chosen;
}
