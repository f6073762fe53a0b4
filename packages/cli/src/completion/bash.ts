import type { CommandWords, OptionWords, Value } from './words.js';

const MEMBERS =
  'ringmaster members --json 2>/dev/null | grep -oE \'"address":"[^"]+"\' | cut -d\'"\' -f4 | sort -u';

/** The shell's way to offer what a value can be. */
function offer(value: Value): string {
  switch (value.kind) {
    case 'words':
      return `COMPREPLY=($(compgen -W '${value.words.join(' ')}' -- "$word"))`;
    case 'file':
      return 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$word"))';
    case 'directory':
      return 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$word"))';
    case 'interface':
      return 'COMPREPLY=($(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$word"))';
    case 'member':
      return `COMPREPLY=($(compgen -W "$(${MEMBERS})" -- "$word"))`;
    case 'other':
      return 'COMPREPLY=()';
  }
}

const valueCases = (options: readonly OptionWords[]): string[] =>
  options.flatMap(({ flags, value }) =>
    value === undefined ? [] : [`        ${flags.join('|')}) ${offer(value)}; return ;;`],
  );

function commandCase({ name, options, arguments: values }: CommandWords): string {
  const first = values[0];
  return [
    `    ${name})`,
    '      case "$previous" in',
    ...valueCases(options),
    '      esac',
    '      if [[ "$word" == -* ]]; then',
    `        COMPREPLY=($(compgen -W '${options.flatMap(({ flags }) => flags).join(' ')}' -- "$word"))`,
    ...(first === undefined ? [] : ['      else', `        ${offer(first)}`]),
    '      fi ;;',
  ].join('\n');
}

/** A script for bash; `eval` it, or put it where bash-completion looks. */
export function bashScript(commands: readonly CommandWords[], options: readonly OptionWords[]): string {
  const names = commands.map(({ name }) => name);
  const flags = options.flatMap((option) => option.flags);
  return `# bash completion for ringmaster, made by \`ringmaster completion bash\`
_ringmaster() {
  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W '${[...names, 'help', ...flags].join(' ')}' -- "$word"))
    return
  fi
  case "$command" in
    help) COMPREPLY=($(compgen -W '${names.join(' ')}' -- "$word")) ;;
${commands.map(commandCase).join('\n')}
  esac
}
complete -F _ringmaster ringmaster
`;
}
