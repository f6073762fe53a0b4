import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MessageType } from '../src/index.js';
import { Network } from './network.js';

/**
 * Interaction scripts with the expected log beside them: commands, a line `----`, the log, a blank line. Written anew
 * on purpose only: `GOLDEN=write npx vitest run --project unit packages/ring`.
 */
const directory = join(import.meta.dirname, 'golden');

/** `.2 preempt=false order=largest position=2 holdDownMs=500 minimumMembers=2 canDispatch=false` */
function optionsOf(words: readonly string[]) {
  const options = Object.fromEntries(
    words.filter((w) => w.includes('=')).map((w) => w.split('=') as [string, string]),
  );
  const { order, position, canDispatch, canServe, preempt, ...numbers } = options;
  const config = {
    ...Object.fromEntries(Object.entries(numbers).map(([k, v]) => [k, Number(v)])),
    ...(preempt !== undefined && { preempt: preempt === 'true' }),
    ...(order !== undefined && {
      election: { order: order as 'smallest' | 'largest', position: Number(position ?? 1) },
    }),
  };
  const traits = {
    ...(canDispatch !== undefined && { canDispatch: canDispatch === 'true' }),
    ...(canServe !== undefined && { canServe: canServe === 'true' }),
  };
  return { config, traits };
}

function start(network: Network, words: string[]): void {
  const names = words.filter((w) => !w.includes('='));
  const { config, traits } = optionsOf(words);
  for (const name of names) network.start(name, config, traits);
}

const COMMANDS: Record<string, (network: Network, words: string[]) => void> = {
  start,
  run: (network, [ms]) => network.run(Number(ms)),
  kill: (network, names) => names.forEach((n) => network.kill(n)),
  silence: (network, names) => names.forEach((n) => network.kill(n, true)),
  pause: (network, [name, ms]) => network.pause(name as string, Number(ms)),
  leave: (network, names) => names.forEach((n) => network.command(n, 'leave')),
  return: (network, names) => names.forEach((n) => network.command(n, 'start')),
  mapComplete: (network, names) => names.forEach((n) => network.command(n, 'mapComplete')),
  cut: (network, words) => {
    const bar = words.indexOf('|');
    network.cut(words.slice(0, bar), words.slice(bar + 1));
  },
  heal: (network) => network.heal(),
  /** `.5 weight=0 canDispatch=false` */
  describe: (network, [name, ...words]) => {
    const change = words
      .map((word) => word.split('='))
      .map(([key, value]) => [key, JSON.parse(value as string)]);
    network.describe(name as string, Object.fromEntries(change));
  },
  /** `.5 minimumMembers=3 order=largest` */
  configure: (network, [name, ...words]) => network.configure(name as string, optionsOf(words).config),
  descriptions: (network) => network.log.push(...network.descriptions()),
  trace: (network, [on]) => (network.trace = on === 'on'),
  say: (network, [name, id, ...text]) => network.say(name as string, Number(id), text.join(' ')),
  /** A message of a type that nobody knows, to everybody, from `from` to `to`. */
  unknown: (network, [to, from]) =>
    network.inject(to as string, from as string, Uint8Array.of(1, 9, 255, 77, 0xf7, 0, 2, 0xab, 0xcd)),
  /** A message whose ttl is used up by this hop. */
  expiring: (network, [to, from]) =>
    network.inject(to as string, from as string, Uint8Array.of(1, 2, 255, 77, MessageType.heartbeat)),
  show: (network) => network.log.push(...network.show()),
  counters: (network, [name, ...keys]) => {
    const counters = network.state(name as string).counters as unknown as Record<string, number>;
    network.log.push(`${name} ${keys.map((k) => `${k}=${counters[k]}`).join(' ')}`);
  },
  sameRing: (network) =>
    network.log.push(`one creation time: ${new Set(network.creationTimes()).size === 1}`),
};

function play(script: string): string {
  const network = new Network();
  const output: string[] = [];
  for (const block of script.trimEnd().split('\n\n')) {
    const lines = block.split('\n');
    const divider = lines.indexOf('----');
    const commands = divider < 0 ? lines : lines.slice(0, divider);
    network.log.length = 0;
    for (const line of commands) {
      if (line.startsWith('#') || line.trim() === '') continue;
      const [name, ...words] = line.trim().split(/\s+/);
      const command = COMMANDS[name as string];
      if (!command) throw new Error(`unknown command in golden script: ${line}`);
      command(network, words);
    }
    output.push([...commands, ...(divider < 0 ? [] : ['----', ...network.log])].join('\n'));
  }
  return `${output.join('\n\n')}\n`;
}

describe('golden scripts of the ring protocol', () => {
  for (const file of readdirSync(directory).filter((f) => f.endsWith('.golden.txt'))) {
    it(file, () => {
      const path = join(directory, file);
      const expected = readFileSync(path, 'utf8');
      const actual = play(expected);
      if (process.env['GOLDEN'] === 'write') writeFileSync(path, actual);
      else expect(actual).toBe(expected);
    });
  }
});
