import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from '../errors.js';
import { ipBatch, must, run, type CommandResult } from './command.js';
import type { Lan } from './lan.js';
import { LabProcess, type ExitStatus, type SpawnOptions } from './process.js';
import { address6Of, linkLocalOf, macOf } from './addresses.js';
import { applySysctls } from './sysctls.js';

const OFFLOADS = fileURLToPath(new URL('./offloads.js', import.meta.url));

/** One network card of a host. */
export interface Attachment {
  readonly lan: Lan;
  /** With prefix length, e.g. `10.0.0.11/24`. On a LAN with IPv6 the card gets the address that ends alike, too. */
  readonly address: string;
}

/** A host of the lab: a network namespace with its own loopback, cards `eth0`, `eth1`, ..., and processes. */
export class Host {
  readonly name: string;
  readonly namespace: string;
  /** IPv4 address of `eth0`, without prefix length. */
  readonly address: string;
  /** IPv6 address of `eth0`, without prefix length; undefined on a LAN without IPv6. */
  readonly address6: string | undefined;
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
    this.address6 = address6Of(attachments[0].lan.network6, this.address);
    this.mac = macOf(this.address);
  }

  /** Creates the namespace, the cards and the routes. */
  async build(kind: 'host' | 'router', gateway: string | undefined): Promise<void> {
    await must('ip', ['netns', 'add', this.namespace]);
    await applySysctls(this.namespace, kind);
    const lines = ['link set lo up'];
    for (const [index, { lan, address }] of this.attachments.entries()) {
      await lan.connect(this, `eth${index}`, macOf(address.split('/')[0]));
      lines.push(`addr add ${address} brd + dev eth${index}`, ...addressLines6(lan, address, `eth${index}`));
      lines.push(`link set eth${index} up`);
    }
    if (gateway !== undefined) lines.push(...this.#gatewayLines(gateway));
    await ipBatch(this.namespace, lines);
  }

  /** The card (`eth0`, ...) that is on this segment. */
  nicOn(lan: Lan): string {
    const index = this.attachments.findIndex((attachment) => attachment.lan === lan);
    if (index < 0) throw new TypeError(`${this.name} has no card on ${lan.name}`);
    return `eth${index}`;
  }

  /** Default routes by the gateway, and by the one that ends alike where its LAN has IPv6. */
  #gatewayLines(gateway: string): string[] {
    const lines = [`route add default via ${gateway}`];
    const lan = this.attachments.map((attachment) => attachment.lan).find((each) => each.holds(gateway));
    const gateway6 = address6Of(lan?.network6, gateway);
    if (gateway6 !== undefined) lines.push(`route add default via ${gateway6}`);
    return lines;
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

  /**
   * Switches the offloads of all its cards (checksums, segmentation) on or off. Off, every packet leaves complete and no
   * larger than the MTU.
   */
  async setOffloads(on: boolean): Promise<void> {
    const nics = this.attachments.map((_, index) => `eth${index}`);
    const { code, stderr } = await this.exec(process.execPath, [OFFLOADS, on ? 'on' : 'off', ...nics]);
    if (code !== 0) throw new LabError('commandFailed', `Offloads of ${this.name} cannot be set: ${stderr}`);
  }

  /**
   * Lets no packet over `bytes` out to this segment, as a narrow link behind it would; undefined takes the limit off. On a
   * router, which then answers what is too big.
   */
  async limitMtu(lan: Lan, bytes: number | undefined): Promise<void> {
    const nic = this.nicOn(lan);
    const limit = bytes === undefined ? '' : ` mtu lock ${bytes}`;
    const lines = [`route replace ${lan.network} dev ${nic}${limit}`];
    // The kernel's own route to the network has this metric, and is the one to be replaced.
    if (lan.network6 !== undefined) lines.push(`route replace ${lan.network6} dev ${nic} metric 256${limit}`);
    await ipBatch(this.namespace, lines);
  }

  /** Adds an address (with prefix length) to one of its interfaces. */
  async addAddress(address: string, nic = 'eth0'): Promise<void> {
    await ipBatch(this.namespace, [`addr add ${address} dev ${nic}`]);
  }

  async deleteAddress(address: string, nic = 'eth0'): Promise<void> {
    await ipBatch(this.namespace, [`addr del ${address} dev ${nic}`]);
  }
}

/**
 * A link-local address and one of the segment's network. Both are given by hand: hosts of the lab make none of their own,
 * so that nobody waits for duplicate address detection.
 */
function addressLines6(lan: Lan, address: string, nic: string): string[] {
  const address6 = address6Of(lan.network6, address);
  if (address6 === undefined) return [];
  return [
    `addr add ${linkLocalOf(address)}/64 dev ${nic} nodad`,
    `addr add ${address6}/${lan.network6!.split('/')[1]} dev ${nic} nodad`,
  ];
}
