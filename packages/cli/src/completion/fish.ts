import type { CommandWords, OptionWords, Value } from './words.js';

const MEMBERS = 'ringmaster members --json 2>/dev/null | string match -rag \'"address":"([^"]+)"\' | sort -u';

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function offer(value: Value): string {
  switch (value.kind) {
    case 'words':
      return `-x -a ${quoted(value.words.join(' '))}`;
    case 'file':
      return '-r -F';
    case 'directory':
      return "-x -a '(__fish_complete_directories)'";
    case 'interface':
      return "-x -a '(command ls /sys/class/net 2>/dev/null)'";
    case 'member':
      return "-x -a '(__ringmaster_members)'";
    case 'other':
      return '-x';
  }
}

function optionLine(condition: string, { flags, text, value }: OptionWords): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const rest = value === undefined ? '' : ` ${offer(value)}`;
  return `complete -c ringmaster -n ${quoted(condition)} ${names.join(' ')} -d ${quoted(text)}${rest}`;
}

function commandLines({ name, options, arguments: values }: CommandWords): string[] {
  const condition = `__fish_seen_subcommand_from ${name}`;
  const first = values[0];
  const argument =
    first && first.kind !== 'other' ? [`complete -c ringmaster -n ${quoted(condition)} ${offer(first)}`] : [];
  return [...options.map((option) => optionLine(condition, option)), ...argument];
}

/** A script for fish; it goes to `~/.config/fish/completions/ringmaster.fish`, or may be sourced. */
export function fishScript(commands: readonly CommandWords[], options: readonly OptionWords[]): string {
  const none = '__fish_use_subcommand';
  return [
    '# fish completion for ringmaster, made by `ringmaster completion fish`',
    'function __ringmaster_members',
    `  ${MEMBERS}`,
    'end',
    'complete -c ringmaster -f',
    ...commands.map(({ name, text }) => `complete -c ringmaster -n ${none} -a ${name} -d ${quoted(text)}`),
    ...options.map((option) => optionLine(none, option)),
    ...commands.flatMap(commandLines),
    '',
  ].join('\n');
}
