/** One container: what can be done to it, from the machine that it runs on. */
import { LabProcess, must, run, type CommandResult, type LoadHost, type SpawnOptions } from '@ringmaster/lab';
import { controlRequest, type StatusDocument } from '@ringmaster/node';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** How the command line of a node's process begins, in its container. */
export const NODE_PROCESS = 'node /opt/ringmaster/packages/cli';
const SOCKET = 'run/ringmaster/node.sock';

/** A command line that runs in a network namespace and keeps its process id. */
const inNetwork = (path: string, command: readonly string[]): string[] => [
  'nsenter',
  `--net=${path}`,
  '--',
  ...command,
];

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Pid: number; readonly Running: boolean };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string; readonly MacAddress: string }>>;
  };
}

export class Container implements LoadHost {
  readonly id: string;
  readonly name: string;
  /** `node` or `client`. */
  readonly service: string;
  readonly number: number;
  readonly running: boolean;
  /** Process 1 of the container, as this machine counts. */
  readonly pid: number;
  readonly address: string;
  readonly mac: string;

  constructor(inspected: Inspected) {
    const { Id, Name, State, Config, NetworkSettings } = inspected;
    const [network] = Object.values(NetworkSettings.Networks);
    this.id = Id;
    this.name = Name.replace('/', '');
    this.service = Config.Labels['com.docker.compose.service'];
    this.number = Number(Config.Labels['com.docker.compose.container-number']);
    this.running = State.Running;
    this.pid = State.Pid;
    this.address = network?.IPAddress ?? '';
    this.mac = network?.MacAddress ?? '';
  }

  /** Starts a program of this machine in the container's network. It dies with this process. */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): LabProcess {
    const argv = [
      'setpriv',
      '--pdeathsig',
      'KILL',
      ...inNetwork(`/proc/${this.pid}/ns/net`, [command, ...args]),
    ];
    return new LabProcess(`${this.name}: ${command}`, argv, options);
  }

  /** Runs a program of this machine in the container's network to its end. */
  exec(command: string, args: readonly string[] = [], stdin = ''): Promise<CommandResult> {
    const [program, ...rest] = inNetwork(`/proc/${this.pid}/ns/net`, [command, ...args]);
    return run(program, rest, stdin);
  }

  /** Path of one of its files, from outside. */
  path(inside: string): string {
    return join(`/proc/${this.pid}/root`, inside);
  }

  get socket(): string {
    return this.path(SOCKET);
  }

  async status(): Promise<StatusDocument | undefined> {
    const answer = await controlRequest<StatusDocument>(this.socket, '/status');
    return answer.ok ? answer.value : undefined;
  }

  /** Sends a signal to those of its processes whose command line has `words`. */
  signal(words: string, signal: NodeJS.Signals): void {
    const namespace = (pid: string | number) => readLink(`/proc/${pid}/ns/pid`);
    const own = namespace(this.pid);
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && namespace(name) === own);
    const wanted = pids.filter((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').startsWith(words));
    if (wanted.length === 0) throw new Error(`${this.name} runs no '${words}'`);
    for (const pid of wanted) process.kill(Number(pid), signal);
  }

  /** The card on this machine that leads to the container. */
  outerCard(): string {
    const index = read(this.path('sys/class/net/eth0/iflink')).trim();
    const found = readdirSync('/sys/class/net').find(
      (name) => read(`/sys/class/net/${name}/ifindex`).trim() === index,
    );
    if (found === undefined) throw new Error(`${this.name} has no card on this machine`);
    return found;
  }

  /** Keeps the container's network alive beyond the container; `look` runs a command in it. */
  holdNetwork(): { look: (command: string, ...args: string[]) => Promise<string>; close: () => void } {
    const handle = openSync(`/proc/${this.pid}/ns/net`, 'r');
    const path = `/proc/${process.pid}/fd/${handle}`;
    return {
      look: async (command, ...args) => {
        const [program, ...rest] = inNetwork(path, [command, ...args]);
        return (await must(program, rest)).trim();
      },
      close: () => closeSync(handle),
    };
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a process that has ended meanwhile
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** All containers of a compose project, those that have ended included, by number. */
export async function containersOf(project: string): Promise<Container[]> {
  const label = `label=com.docker.compose.project=${project}`;
  const ids = (await must('docker', ['ps', '-aq', '--no-trunc', '--filter', label]))
    .split('\n')
    .filter(Boolean);
  if (ids.length === 0) return [];
  const inspected = JSON.parse(await must('docker', ['inspect', ...ids])) as Inspected[];
  return inspected.map((each) => new Container(each)).sort((one, other) => one.number - other.number);
}
