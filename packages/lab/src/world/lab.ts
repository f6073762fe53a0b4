import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors.js';
import { firstAddress } from './addresses.js';
import { run } from './command.js';
import { insideLab } from './enter.js';
import { Host, type Attachment } from './host.js';
import { Lan } from './lan.js';

/** Where the hosts' files are: on the tmpfs of the lab world, so they vanish with it. */
const FILES = '/run/ringmaster-lab';

export interface HostOptions extends Attachment {
  /** Address of the default gateway. */
  readonly gateway?: string;
  /** Further cards: `eth1`, `eth2`, ... */
  readonly more?: readonly Attachment[];
}

/** Interface names are limited to 15 characters, and ports of the switch bear the hosts' names. */
const NAME = /^[a-z][a-z0-9]{0,14}$/;

let labs = 0;

/**
 * Test hosts on one machine. Everything lives in the namespaces of the lab world (see `enterLab`), so that it is gone
 * when the program ends, however it ends; `close` is for programs that go on.
 */
export class Lab {
  readonly #id: string;
  readonly #directory: string;
  readonly #lans = new Map<string, Lan>();
  readonly #hosts = new Map<string, Host>();

  private constructor(id: string, directory: string) {
    this.#id = id;
    this.#directory = directory;
  }

  /**
   * @param options.directory where the hosts' files go; by default a place that vanishes with the lab.
   * @throws LabError `notInLab` when the program has not gone through `enterLab`.
   */
  static async create(options: { directory?: string } = {}): Promise<Lab> {
    if (!insideLab()) {
      const cure = "Call 'await enterLab()' first, or run 'node packages/lab/dist/enter.js COMMAND'.";
      throw new LabError('notInLab', `This process does not run inside a lab world. ${cure}`);
    }
    const id = `${process.pid}-${++labs}`;
    const directory = options.directory ?? join(FILES, id);
    await mkdir(directory, { recursive: true });
    return new Lab(id, directory);
  }

  /** The hosts and routers so far. */
  get hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  /**
   * Adds an Ethernet segment; `network` is its IPv4 network, e.g. `10.0.0.0/24`. With `network6`, e.g. `fd00:a::/64`, its
   * hosts speak IPv6 as well.
   */
  async lan(name: string, network: string, network6?: string): Promise<Lan> {
    const lan = new Lan(name, network, this.#namespaceOf(name), network6);
    this.#lans.set(name, lan);
    await lan.build();
    return lan;
  }

  /** Adds a host. IP forwarding is off on it. */
  async host(name: string, options: HostOptions): Promise<Host> {
    const { lan, address, gateway, more = [] } = options;
    return this.#add(name, [{ lan, address }, ...more], 'host', gateway);
  }

  /** Adds a router between segments; it takes the first address of each network. */
  async router(name: string, lans: readonly Lan[]): Promise<Host> {
    const attachments = lans.map((lan) => ({ lan, address: firstAddress(lan.network) }));
    return this.#add(name, attachments, 'router', undefined);
  }

  /** Kills all processes of the lab and removes its namespaces and files. */
  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.kill()));
    for (const { namespace } of [...this.#hosts.values(), ...this.#lans.values()]) {
      await run('ip', ['netns', 'delete', namespace]);
    }
    this.#hosts.clear();
    this.#lans.clear();
    if (this.#directory.startsWith(`${FILES}/`)) await rm(this.#directory, { recursive: true, force: true });
  }

  async #add(
    name: string,
    attachments: readonly Attachment[],
    kind: 'host' | 'router',
    gateway: string | undefined,
  ): Promise<Host> {
    const directory = join(this.#directory, name);
    await mkdir(directory, { recursive: true });
    const host = new Host(name, this.#namespaceOf(name), directory, attachments);
    this.#hosts.set(name, host);
    await host.build(kind, gateway);
    return host;
  }

  #namespaceOf(name: string): string {
    if (!NAME.test(name)) throw new TypeError(`'${name}' is no name for the lab: 1 to 15 of a-z, 0-9.`);
    if (this.#hosts.has(name) || this.#lans.has(name)) throw new TypeError(`'${name}' is there already.`);
    return `${this.#id}-${name}`;
  }
}
