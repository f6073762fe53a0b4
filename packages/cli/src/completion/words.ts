/** What can be typed, read out of the command line itself, so that completion never lags behind it. */
import type { Argument, Command, Option } from 'commander';

/** What stands behind an option, or as an argument. */
export type Value =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'directory' | 'interface' | 'member' | 'other' };

export interface OptionWords {
  /** `--config`, and `-c` if there is one. */
  readonly flags: readonly string[];
  readonly text: string;
  /** Undefined for a switch. */
  readonly value: Value | undefined;
}

export interface CommandWords {
  readonly name: string;
  readonly text: string;
  readonly options: readonly OptionWords[];
  readonly arguments: readonly Value[];
  /** Whether the last argument may be there several times. */
  readonly repeats: boolean;
}

/** What the placeholder of an option or argument stands for. */
function valueOf(placeholder: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { kind: 'words', words: choices };
  if (/^(file|path|cert|certificate)$/.test(placeholder)) return { kind: 'file' };
  if (/^dir(ectory)?$/.test(placeholder)) return { kind: 'directory' };
  return { kind: 'other' };
}

/** `-c, --config <file>` -> `file` */
const placeholderOf = (flags: string): string => /[<[]([^>\]. ]+)/.exec(flags)?.[1] ?? '';

function optionWords(option: Option): OptionWords {
  const takesValue = option.required || option.optional;
  const flags = [option.long, option.short].flatMap((flag) => flag ?? []);
  const text = option.description;
  if (!takesValue) return { flags, text, value: undefined };
  if (option.long === '--interface') return { flags, text, value: { kind: 'interface' } };
  return { flags, text, value: valueOf(placeholderOf(option.flags), option.argChoices) };
}

/** Addresses of members are what the running node knows. */
function argumentValue(argument: Argument): Value {
  if (argument.name() === 'address') return { kind: 'member' };
  return valueOf(argument.name(), argument.argChoices);
}

/** All commands of a program, in its order. */
export function commandsOf(program: Command): CommandWords[] {
  return program.commands.map((command) => ({
    name: command.name(),
    text: command.summary() || command.description().split('\n')[0],
    options: [
      ...command.options.map(optionWords),
      { flags: ['--help', '-h'], text: 'display help for command', value: undefined },
    ],
    arguments: command.registeredArguments.map(argumentValue),
    repeats: command.registeredArguments.at(-1)?.variadic === true,
  }));
}

/** Options of the program itself. */
export const programOptions = (program: Command): OptionWords[] => [
  ...program.options.map(optionWords),
  { flags: ['--help', '-h'], text: 'display help for command', value: undefined },
];
