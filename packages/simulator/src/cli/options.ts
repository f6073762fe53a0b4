import { availableParallelism } from 'node:os';
import { SABOTAGES } from '@ringmaster/simulator';
import { Command, InvalidArgumentError, Option } from 'commander';

export interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly nodes: { readonly from: number; readonly to: number };
  readonly json: boolean;
  readonly jobs: number;
  /** One seed only, told as a story or judged alone. */
  readonly seed?: number;
  readonly trace: boolean;
  readonly packets: boolean;
  readonly shrink: boolean;
  readonly sabotage?: string;
}

const MOST_NODES = 254;

/** Reads the command line; ends the process with a message when it makes no sense. */
export function readOptions(argv: readonly string[]): Options {
  const program = new Command('simulate')
    .description(
      'Runs whole clusters in one process, each from a seed, and checks the invariants after every event.',
    )
    .option('--seeds <count>', 'how many seeds', whole, 1000)
    .option('--from <seed>', 'the first seed', whole, 1)
    .option('--nodes <a..b>', 'how many nodes a cluster has', range, { from: 1, to: 16 })
    .option('--json', 'only one JSON object, on the last line', false)
    .option('--jobs <count>', 'how many processors to use', whole, availableParallelism())
    .option('--seed <seed>', 'this seed only', whole)
    .option('--trace', 'with --seed: tell what happens', false)
    .option('--packets', 'with --trace: and what is sent, heartbeats excepted', false)
    .option('--shrink', 'with --seed: leave out what the failure does not need', false)
    .addOption(new Option('--sabotage <name>', 'break a rule on purpose').choices(Object.keys(SABOTAGES)));
  return program.parse(argv).opts<Options>();
}

function whole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number, please');
  return Number(text);
}

function range(text: string): { from: number; to: number } {
  const match = /^(\d{1,3})(?:\.\.(\d{1,3}))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  if (!(from >= 1 && from <= to && to <= MOST_NODES))
    throw new InvalidArgumentError(`a range such as 1..16, from 1 to ${MOST_NODES}, please`);
  return { from, to };
}
