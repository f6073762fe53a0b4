import { join } from 'node:path';
import { ipBatch, must, run, type CommandResult } from './command.js';
import type { Lan } from './lan.js';
import { LabProcess, type ExitStatus, type SpawnOptions } from './process.js';
import { applySysctls } from './sysctls.js';

/** One network card of a host. */
export interface Attachment {
  readonly lan: Lan;
  /** With prefix length, e.g. `10.0.0.11/24`. */
  readonly address: string;
}

/** A host of the lab: a network namespace with its own loopback, cards `eth0`, `eth1`, ..., and processes. */
export class Host {
  readonly name: string;
  readonly namespace: string;
  /** IPv4 address of `eth0`, without prefix length. */
  readonly address: string;
  /** MAC of `eth0`. */
  readonly mac: string;
  /** A directory of its own for configurations, sockets and logs. */
  readonly directory: string;
  readonly attachments: readonly Attachment[];
  readonly #processes = new Set<LabProcess>();

  /** Use `Lab.host` or `Lab.router`. */
  constructor(name: string, namespace: string, directory: string, attachments: readonly Attachment[]) {
    this.name = name;
    this.namespace = namespace;
    this.directory = directory;
    this.attachments = attachments;
    this.address = attachments[0].address.split('/')[0];
    this.mac = macOf(this.address);
  }

  /** Creates the namespace, the cards and the routes. */
  async build(kind: 'host' | 'router', gateway: string | undefined): Promise<void> {
    await must('ip', ['netns', 'add', this.namespace]);
    await applySysctls(this.namespace, kind);
    const lines = ['link set lo up'];
    for (const [index, { lan, address }] of this.attachments.entries()) {
      await lan.connect(this, `eth${index}`, macOf(address.split('/')[0]));
      lines.push(`addr add ${address} brd + dev eth${index}`, `link set eth${index} up`);
    }
    if (gateway !== undefined) lines.push(`route add default via ${gateway}`);
    await ipBatch(this.namespace, lines);
  }

  /** The processes that were started here and still run. */
  get processes(): readonly LabProcess[] {
    return [...this.#processes];
  }

  /** Starts a program on this host. It dies with the lab. Its output goes to `<directory>/<log>` when `log` is given. */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): LabProcess {
    // `ip netns exec` and `setpriv` replace themselves, so signals go to the program.
    const argv = ['setpriv', '--pdeathsig', 'KILL', 'ip', 'netns', 'exec', this.namespace, command, ...args];
    const log = options.log === undefined ? {} : { log: join(this.directory, options.log) };
    const started = new LabProcess(`${this.name}: ${command} ${args.join(' ')}`, argv, {
      ...options,
      ...log,
    });
    this.#processes.add(started);
    void started.exited.then(() => this.#processes.delete(started));
    return started;
  }

  /** Runs a command on this host to its end. */
  exec(command: string, args: readonly string[] = [], stdin = ''): Promise<CommandResult> {
    return run('ip', ['netns', 'exec', this.namespace, command, ...args], stdin);
  }

  /** Kills every process that was started here with SIGKILL; the host itself stays. */
  async kill(): Promise<ExitStatus[]> {
    const killed = this.processes.map((running) => (running.kill('SIGKILL'), running.exited));
    return Promise.all(killed);
  }

  /** The power fails: silent at once (no FIN or RST goes out), then all its processes are gone. */
  async powerOff(): Promise<void> {
    await this.unplug();
    await this.kill();
  }

  /** Freezes all its processes at once; the kernel of the host still answers. */
  pause(): void {
    for (const running of this.#processes) running.pause();
  }

  resume(): void {
    for (const running of this.#processes) running.resume();
  }

  /** Pulls the cables of all its cards. */
  async unplug(): Promise<void> {
    for (const { lan } of this.attachments) await lan.setCable(this, false);
  }

  async plug(): Promise<void> {
    for (const { lan } of this.attachments) await lan.setCable(this, true);
  }

  /** Adds an address (with prefix length) to one of its interfaces. */
  async addAddress(address: string, nic = 'eth0'): Promise<void> {
    await ipBatch(this.namespace, [`addr add ${address} dev ${nic}`]);
  }

  async deleteAddress(address: string, nic = 'eth0'): Promise<void> {
    await ipBatch(this.namespace, [`addr del ${address} dev ${nic}`]);
  }
}

/** MACs that can be read: `02:00:` and the four bytes of the IPv4 address, so 10.0.0.11 is 02:00:0a:00:00:0b. */
function macOf(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['02', '00', ...bytes].join(':');
}
