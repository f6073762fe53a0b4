/** The `ringmaster` command line: its words, its help, and which module does what. */
import {
  LARGEST_CONNECTION_LIMIT,
  LONGEST_DURATION_MS,
  LOG_FORMATS,
  LOG_LEVELS,
  PACKETS,
} from '@ringmaster/node';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_CONFIG } from './configuration.js';
import { parseDuration } from './duration.js';
import { asking } from './place.js';

/** Rings, VRRP and CARP speak at least once a second. */
const LISTEN_MS = 1300;

const EPILOGUE = `
A first cluster, on every node:
  ringmaster init --interface eth0 --address 10.0.0.100   # once; then copy both files to the other nodes
  ringmaster doctor                                       # would a node work here?
  ringmaster up                                           # run it (root, or CAP_NET_RAW and CAP_NET_ADMIN)
  ringmaster status                                       # from another terminal

Exit codes: 0 done; 1 something is in the way, the message says what to do; 2 the configuration is not right.
Every key of the configuration is explained in docs/configuration.md and in the file that init writes.`;

const configOption = (text: string) => new Option('-c, --config <file>', text);
const jsonOption = (what: string) => new Option('--json', `print ${what} as one JSON object`);

function parseLimit(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= LARGEST_CONNECTION_LIMIT) return limit;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${LARGEST_CONNECTION_LIMIT}.`);
}

function parseNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected the number of an event, as --json shows it.');
}

function parseTime(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms <= LONGEST_DURATION_MS) return ms;
  throw new InvalidArgumentError('Expected a time like 500ms, 60s, 5m or 2h, a week at most.');
}

/** The options of the commands that ask a running node, and print what it answers. */
const reading = (command: Command, what: string): Command => asking(command.addOption(jsonOption(what)));

const MEMBERS_ADDRESS = 'addresses of members, as `ringmaster members` lists them';

function addOrdering(program: Command): void {
  reading(program.command('drain'), 'what became of it')
    .summary('give servers no new connections')
    .description(
      `Gives servers no new connections; those that they have go on. Ask any node of the ring. With a deadline, what is left
then is reset, so that clients know at once. A drained server stays in the ring and may dispatch. It stays drained until
it is undrained or stopped; a crash does not end it. How many connections are left: ringmaster members`,
    )
    .argument('<address...>', MEMBERS_ADDRESS)
    .addOption(
      new Option('-d, --deadline <time>', 'reset what is left after this time, like 60s or 10m').argParser(
        parseTime,
      ),
    )
    .option('-w, --wait', 'return when no connection is left')
    .action(async (addresses: string[], options) =>
      (await import('./commands/order.js')).drain(addresses, options),
    );
  reading(program.command('undrain'), 'what became of it')
    .summary('give drained servers connections again')
    .description('Gives drained servers new connections again. Ask any node of the ring.')
    .argument('<address...>', MEMBERS_ADDRESS)
    .action(async (addresses: string[], options) =>
      (await import('./commands/order.js')).undrain(addresses, options),
    );
  reading(program.command('abdicate'), 'what became of it')
    .summary('hand the dispatching over to the next in line')
    .description(
      `Hands the dispatching over: the next in line learns all connections, then takes over; no connection is lost. The node
that handed over does not dispatch again for a while, unless no other can. It goes on serving.`,
    )
    .argument('[address]', 'the member that shall hand over (default: whoever dispatches)')
    .addOption(
      new Option('-f, --for <time>', 'for how long it is not to dispatch (default: 10m)').argParser(
        parseTime,
      ),
    )
    .action(async (address: string | undefined, options) =>
      (await import('./commands/order.js')).abdicate(address, options),
    );
}

function addReload(program: Command): void {
  reading(program.command('reload'), 'what has changed')
    .summary('make the node read its configuration anew')
    .description(
      `Makes the node that is asked read its configuration file anew. The file is checked first; all of it is applied, or
nothing. No connection is lost. What a reload can change: docs/configuration.md, column "change"; the rest needs a restart.
The signal SIGHUP does the same, but its answer goes to the log.`,
    )
    .option('-n, --dry-run', 'only say what would change, and whether it could')
    .action(async (options) => (await import('./commands/reload.js')).reload(options));
}

function addUp(program: Command): void {
  program
    .command('up')
    .summary('run this node, in the foreground')
    .description(
      `Runs this node in the foreground. It joins the ring on the configured interface, puts the cluster addresses on lo,
and serves and dispatches until SIGTERM or SIGINT; then it leaves the ring and restores the host.
A second signal ends it at once; the next start then undoes what was left.`,
    )
    .addOption(configOption('the configuration').default(DEFAULT_CONFIG))
    .addOption(
      new Option(
        '--log-format <format>',
        'how to write the log (default: human on a terminal, json elsewhere)',
      ).choices(LOG_FORMATS),
    )
    .addOption(
      new Option('--log-level <level>', 'the least that is logged').choices(LOG_LEVELS).default('info'),
    )
    .action(async (options) => process.exit(await (await import('./commands/up.js')).up(options)));
}

function addInit(program: Command): void {
  program
    .command('init')
    .summary('write a configuration and a key to start from')
    .description(
      `Writes ${DEFAULT_CONFIG}, with every key explained, ringmaster.schema.json, by which editors know the keys, and
cluster.key, the secret of the cluster (mode 0600). Never overwrites what is yours: a configuration that is there is an
error, a key that is there is kept.`,
    )
    .option('-d, --directory <dir>', 'where to write', '.')
    .option('-i, --interface <name>', 'the interface to the other nodes (default: guessed)')
    .option('-a, --address <address>', 'the cluster address that clients call (default: a proposal)')
    .action(async (options) => (await import('./commands/init.js')).init(options));
}

function addCompletion(program: Command): void {
  program
    .command('completion')
    .summary('print a script that makes a shell complete this command line')
    .description(
      `Prints a script that makes a shell complete commands, options, files and addresses of members.
  bash:  source <(ringmaster completion bash)              # in ~/.bashrc
  zsh:   source <(ringmaster completion zsh)               # in ~/.zshrc, after compinit
  fish:  ringmaster completion fish > ~/.config/fish/completions/ringmaster.fish`,
    )
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') =>
      (await import('./commands/completion.js')).completion(program, shell),
    );
}

function addReading(program: Command): void {
  reading(program.command('status'), 'the status')
    .summary('show this node and its ring')
    .description('Shows the role of this node, a picture of its ring, and its counters.')
    .action(async (options) => (await import('./commands/read.js')).status(options));
  reading(program.command('members'), 'the members')
    .summary('list the members of the ring')
    .description('Lists the members of the ring, in its order.')
    .action(async (options) => (await import('./commands/read.js')).members(options));
  reading(program.command('connections'), 'the connections')
    .summary('list the connections that this node dispatches')
    .description('Lists the connections that this node dispatches, and which server has each.')
    .addOption(new Option('-n, --limit <number>', 'how many to list').argParser(parseLimit).default(100))
    .action(async (options) => (await import('./commands/read.js')).connections(options));
}

function addExplain(program: Command): void {
  asking(program.command('watch'))
    .summary('watch the ring live, in the terminal')
    .description(
      `Shows the ring as a ring, who dispatches, what each member has to do, and what happens, until you press q. A square
dispatches, a circle serves, a hollow one takes no new connections.`,
    )
    .option('--once', 'print one page and end, as where there is no terminal')
    .action(async (options) => (await import('./commands/watch.js')).watch(options));
  reading(program.command('events'), 'each event')
    .summary('tell what happens to this node, as it happens')
    .description(
      `Tells what has happened to this node (the last thousand events: roles, members, health, drains, rebuilds), then what
happens, until it ends or you do. With --json one object a line.`,
    )
    .option('--no-follow', 'end after what has happened so far')
    .addOption(
      new Option('--since <number>', 'only what came after the event with this number')
        .argParser(parseNumber)
        .default(0),
    )
    .action(async (options) => (await import('./commands/events.js')).events(options));
  reading(program.command('explain'), 'the explanation')
    .summary('say why a packet goes where it goes')
    .description(
      `Says what would become of a packet if it came now, and why: verdict, server, connection, scheduler. Changes nothing.
Ask the node that dispatches. Either name a connection:
  ringmaster explain tcp 10.9.0.2:40000 10.0.0.100:80
or give a capture, taken with tcpdump -w on the interface of the dispatcher:
  ringmaster explain --pcap FILE`,
    )
    .addArgument(new Argument('[protocol]', 'of the connection').choices(['tcp', 'udp']))
    .argument('[client]', 'address and port of the client, like 10.9.0.2:40000 or [2001:db8::2]:40000')
    .argument('[cluster]', 'cluster address and port')
    .addOption(
      new Option(
        '--packet <kind>',
        'which packet (default: data if the connection is known, else what opens it)',
      ).choices(PACKETS),
    )
    .addOption(new Option('--pcap <file>', 'explain the frames of this capture').conflicts('packet'))
    .addOption(
      new Option('-n, --limit <number>', 'how many frames of the capture')
        .argParser(parseLimit)
        .default(1000),
    )
    .action(
      async (
        protocol: string | undefined,
        client: string | undefined,
        cluster: string | undefined,
        options,
      ) => (await import('./commands/explain.js')).explain({ protocol, client, cluster }, options),
    );
}

function addChecking(program: Command, done: (code: number) => void): void {
  program
    .command('doctor')
    .summary('find what on this host would break the cluster, and the cure')
    .description(
      `Looks at this host and its LAN with the eyes of a node: privileges, kernel, interface, addresses, kernel settings,
firewall, ports, key, what a dead node may have left, what the LAN lets through and who else is on it (with a few ARP
probes and pings). Each finding says what, why it matters, and the cure. Changes nothing without --fix.
Exit code 1 when a node would not work.`,
    )
    .addOption(
      configOption(`the configuration (default: ${DEFAULT_CONFIG}, or that of the service, if there is one)`),
    )
    .addOption(jsonOption('the findings'))
    .option('--fix', 'apply the cures that can be applied safely, and say what would make them last')
    .option('--dry-run', 'with --fix: only say what would be done')
    .option('--only <check...>', 'with --fix: only what these checks found')
    .addOption(
      new Option('--listen <time>', 'for how long to listen to the LAN')
        .argParser(parseTime)
        .default(LISTEN_MS, '1.3s'),
    )
    .action(async (options) => done(await (await import('./commands/doctor.js')).doctor(options)));
  program
    .command('check')
    .summary('check a configuration file')
    .description('Checks a configuration file and its keys, and lists every problem with its line.')
    .argument('[file]', 'the configuration', DEFAULT_CONFIG)
    .addOption(jsonOption('the problems'))
    .action(async (file: string, options) =>
      done((await import('./commands/check.js')).check(file, options)),
    );
  program
    .command('schema')
    .summary('print the JSON Schema of the configuration, for editors')
    .description(
      `Prints the JSON Schema of the configuration file. Editors with the YAML language server read it where the first line of a
configuration says:  # yaml-language-server: $schema=ringmaster.schema.json
\`ringmaster init\` writes both. After an update:  ringmaster schema > ringmaster.schema.json`,
    )
    .action(async () => {
      const { configurationSchemaText } = await import('@ringmaster/node');
      process.stdout.write(configurationSchemaText());
    });
}

/**
 * Builds the command line.
 * @param done told the exit code of commands that have one of their own
 */
export function buildProgram(version: string, done: (code: number) => void): Command {
  const program = new Command('ringmaster')
    .description(
      'Identical servers that balance their own load: no dedicated dispatcher, none that must not die.',
    )
    .version(version, '-V, --version')
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', EPILOGUE);
  addInit(program);
  addUp(program);
  addReading(program);
  addOrdering(program);
  addReload(program);
  addExplain(program);
  addChecking(program, done);
  addCompletion(program);
  for (const command of [program, ...program.commands]) {
    const path = command === program ? 'ringmaster' : `ringmaster ${command.name()}`;
    command.showHelpAfterError(`See: ${path} --help`);
  }
  return program;
}
