import type { CommandWords, OptionWords, Value } from './words.js';

/** Text between quotes and brackets of an _arguments specification. */
const plain = (text: string): string =>
  text
    .replaceAll(/[[\]:'"`\\$]/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();

function action(value: Value): string {
  switch (value.kind) {
    case 'words':
      return `(${value.words.join(' ')})`;
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'interface':
      return '_ringmaster_interfaces';
    case 'member':
      return '_ringmaster_members';
    case 'other':
      return ' ';
  }
}

function optionSpecs({ flags, text, value }: OptionWords): string[] {
  const rest = value === undefined ? '' : `:value:${action(value)}`;
  const others = flags.length > 1 ? `(${flags.join(' ')})` : '';
  return flags.map((flag) => `'${others}${flag}[${plain(text)}]${rest}'`);
}

function commandCase({ name, options, arguments: values, repeats }: CommandWords): string {
  const specs = options.flatMap(optionSpecs);
  values.forEach((value, i) => {
    const isLast = i === values.length - 1;
    specs.push(`'${isLast && repeats ? '*' : `:`}:value:${action(value)}'`);
  });
  return `    ${name}) _arguments -s ${specs.join(' ')} ;;`;
}

/** A script for zsh; it goes into a file `_ringmaster` in a directory of `$fpath`, or may be sourced after compinit. */
export function zshScript(commands: readonly CommandWords[], options: readonly OptionWords[]): string {
  const described = commands.map(({ name, text }) => `    '${name}:${plain(text)}'`);
  const flags = options.flatMap(optionSpecs).join(' ');
  return `#compdef ringmaster
# zsh completion for ringmaster, made by \`ringmaster completion zsh\`
_ringmaster_interfaces() { compadd -- /sys/class/net/*(N:t) }
_ringmaster_members() {
  compadd -- \${(f)"$(ringmaster members --json 2>/dev/null | grep -oE '"address":"[^"]+"' | cut -d'"' -f4 | sort -u)"}
}
_ringmaster() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    if [[ "$words[2]" == -* ]]; then _arguments ${flags}; else _describe command commands; fi
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
    help) _describe command commands ;;
${commands.map(commandCase).join('\n')}
  esac
}
if [[ "$funcstack[1]" == _ringmaster ]]; then _ringmaster "$@"; else compdef _ringmaster ringmaster; fi
`;
}
