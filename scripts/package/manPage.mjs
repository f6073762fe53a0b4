/** The manual page, made from the command line itself. */
import { buildProgram } from '../../packages/cli/dist/index.js';

const plain = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1');

function optionLines(command) {
  return command.options.flatMap(({ flags, description }) => [
    '.TP',
    `.B ${plain(flags)}`,
    plain(description),
  ]);
}

function commandLines(command) {
  const usage = `${command.name()} ${command.usage()}`;
  return [`.SS ${plain(usage)}`, plain(command.description()), ...optionLines(command)];
}

/** roff for man(7). */
export function manPage(version) {
  const program = buildProgram(version, () => undefined);
  return `${[
    `.TH RINGMASTER 8 "" "ringmaster ${version}" "System administration"`,
    '.SH NAME',
    'ringmaster \\- a server cluster that balances its own load',
    '.SH SYNOPSIS',
    '.B ringmaster',
    '.I command',
    '[options]',
    '.SH DESCRIPTION',
    plain(program.description()),
    '.SH COMMANDS',
    ...program.commands.flatMap(commandLines),
    '.SH FILES',
    '.TP',
    '.I /etc/ringmaster/ringmaster.yaml',
    'The configuration of the service. Every key: /usr/share/doc/ringmaster/configuration.md',
    '.TP',
    '.I /etc/ringmaster/cluster.key',
    'The secret of the cluster, the same on every node, readable by the user ringmaster alone.',
    '.TP',
    '.I /run/ringmaster',
    'Control socket and undo journal.',
    '.SH EXIT STATUS',
    '0 done; 1 something is in the way, the message says what to do; 2 the configuration is not right.',
    '.SH SEE ALSO',
    '/usr/share/doc/ringmaster/operations.md',
  ].join('\n')}\n`;
}
