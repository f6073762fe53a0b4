import { formatKeyFile, generateKey, type StatusDocument } from '@ringmaster/node';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors.js';
import { startBulkService, startHttpService } from '../services/service.js';
import type { Host } from '../world/host.js';
import { Lab } from '../world/lab.js';
import type { Lan } from '../world/lan.js';
import type { LabProcess } from '../world/process.js';
import { Layout, type Family, type LayoutOptions, type ServiceName } from './layout.js';
import { startNode, writeNodeFile, type NodeFile, type RingmasterNode } from './node.js';

const POLL_MS = 50;

/** What the configuration of a node of the cluster says. */
export interface NodeSettings {
  /** Text of its key file; `null` for none. By default all nodes of the cluster share a fresh one. */
  readonly key?: string | null;
  /** The IPv4 address that it serves. */
  readonly clusterAddress?: string;
  /** Settings of the `ring` section that differ from the defaults. */
  readonly ring?: Readonly<Record<string, unknown>>;
  /** Further top-level settings. */
  readonly settings?: NodeFile;
}

export interface ClusterOptions extends NodeSettings, LayoutOptions {
  /** Number of nodes, 4 unless told. */
  readonly nodes?: number;
  /** What is different on the node with this index (from 0). */
  readonly perNode?: (index: number) => NodeSettings;
  /** How long `raise` waits for the ring to be whole. */
  readonly patienceMs?: number;
  /** Where the hosts' files (configuration, logs) go; by default they vanish with the lab. */
  readonly directory?: string;
}

/** A host of the cluster, with its services and its Ringmaster node while they run. */
export class ClusterHost {
  readonly host: Host;
  /** What its configuration file says, but for the control socket. */
  readonly config: NodeFile;
  readonly #layout: Layout;
  #service: LabProcess | undefined;
  #bulk: LabProcess | undefined;
  #node: RingmasterNode | undefined;

  constructor(host: Host, config: NodeFile, layout: Layout) {
    this.host = host;
    this.config = config;
    this.#layout = layout;
  }

  get name(): string {
    return this.host.name;
  }

  get address(): string {
    return this.host.address;
  }

  /** Whether its Ringmaster process runs. */
  get up(): boolean {
    return this.#node !== undefined && this.#node.process.ended === undefined;
  }

  /** The node; to be used after `start`. */
  get node(): RingmasterNode {
    if (this.#node === undefined) throw new TypeError(`${this.name} was never started`);
    return this.#node;
  }

  async startService(): Promise<void> {
    const address = this.#layout.families.includes(6) ? '::' : '0.0.0.0';
    this.#service = await startHttpService(this.host, this.#layout.servicePort('http'), address);
  }

  /** Starts the bulk service; in L4/2 it cannot listen before the node has put the cluster address there. */
  async startBulk(): Promise<void> {
    const addresses = this.#layout.serviceAddresses(this.host);
    this.#bulk = await startBulkService(this.host, this.#layout.servicePort('bulk'), addresses);
  }

  async startNode(): Promise<RingmasterNode> {
    this.#node = await startNode(this.host, this.config);
    return this.#node;
  }

  /** Writes its configuration file anew; the node does not look at it before it is told to. */
  async configure(change: NodeFile): Promise<void> {
    await writeNodeFile(this.host, { ...this.config, ...change });
  }

  /** Starts what does not run: the HTTP service, the node, the bulk service. */
  async start(): Promise<void> {
    if (!runs(this.#service)) await this.startService();
    if (!this.up) await this.startNode();
    if (this.#layout.bulk && !runs(this.#bulk)) await this.startBulk();
  }

  /** SIGKILL for Ringmaster, and then for the services. */
  async kill(): Promise<void> {
    const processes = [this.#node?.process, this.#service, this.#bulk];
    for (const each of processes) each?.kill('SIGKILL');
    await Promise.all(processes.map((each) => each?.exited));
  }
}

const runs = (process: LabProcess | undefined) => process !== undefined && process.ended === undefined;

/**
 * client - router - LAN with identical nodes; the nodes serve HTTP on the cluster's addresses, port 80. With two cards, the
 * router is on a segment of its own with their outer ones, and the inner ones are on the LAN.
 */
export class Cluster {
  readonly lab: Lab;
  readonly lan: Lan;
  readonly router: Host;
  readonly client: Host;
  readonly hosts: readonly ClusterHost[];
  readonly wan: Lan;
  /** Where the router meets the nodes: the LAN, or with two cards the outer segment. */
  readonly front: Lan;
  readonly layout: Layout;
  /** What clients call for the HTTP service; over IPv4, if it is among the families. */
  readonly target: string;

  private constructor(world: Omit<World, 'gateway'>, layout: Layout, hosts: readonly ClusterHost[]) {
    this.lab = world.lab;
    this.lan = world.lan;
    this.front = world.front;
    this.wan = world.wan;
    this.router = world.router;
    this.client = world.client;
    this.layout = layout;
    this.hosts = hosts;
    this.target = this.targetOf(layout.families[0]);
  }

  /** Builds the hosts and the network; nothing runs on them yet. */
  static async build(options: ClusterOptions = {}): Promise<Cluster> {
    const layout = new Layout(options);
    const world = await buildWorld(layout, options.directory);
    const { lab, lan, front, gateway } = world;
    const key = formatKeyFile(generateKey());
    const hosts: ClusterHost[] = [];
    for (let i = 0; i < (options.nodes ?? 4); i++) {
      const address = layout.nodeAddress('lan', i);
      const more = front === lan ? [] : [{ lan: front, address: layout.nodeAddress('outside', i) }];
      const host = await lab.host(`n${i + 1}`, { lan, address, gateway, more });
      const config = await nodeConfig(host, layout, { key, ...options, ...options.perNode?.(i) });
      hosts.push(new ClusterHost(host, config, layout));
    }
    return new Cluster(world, layout, hosts);
  }

  /** Builds the cluster, starts everything, and waits until the ring is whole. */
  static async raise(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.build(options);
    await Promise.all(cluster.hosts.map((host) => host.startService()));
    await Promise.all(cluster.hosts.map((host) => host.startNode()));
    await cluster.whole(options.patienceMs);
    if (cluster.layout.bulk) await Promise.all(cluster.hosts.map((host) => host.startBulk()));
    return cluster;
  }

  /** What clients of a family call for a service. */
  targetOf(family: Family, service: ServiceName = 'http'): string {
    return this.layout.target(family, service);
  }

  /** Switches the offloads of all cards on or off, the client's and the router's among them. */
  async setOffloads(on: boolean): Promise<void> {
    await Promise.all(this.lab.hosts.map((host) => host.setOffloads(on)));
  }

  /** The hosts whose Ringmaster process runs. */
  get living(): ClusterHost[] {
    return this.hosts.filter(({ up }) => up);
  }

  /** The host with this ring address. */
  hostAt(address: string): ClusterHost {
    const host = this.hosts.find((candidate) => candidate.address === address);
    if (host === undefined) throw new TypeError(`no host of this cluster has the address ${address}`);
    return host;
  }

  /**
   * Waits until all living nodes agree: one ring of exactly them, all active, and a dispatcher whose map is complete;
   * it has the smallest address, as the default rule of election says.
   *
   * @returns the dispatcher's status.
   * @throws LabError `timeout` with what the nodes say instead.
   */
  async whole(timeoutMs = 20_000): Promise<StatusDocument> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const living = this.living;
      const answers = await Promise.allSettled(living.map(({ node }) => node.status()));
      const statuses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      if (statuses.length === living.length && agree(statuses)) {
        return statuses.find(({ address, ring }) => address === ring.dispatcher)!;
      }
      if (Date.now() > deadline)
        throw new LabError('timeout', disagreement(statuses, living.length, timeoutMs));
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  close(): Promise<void> {
    return this.lab.close();
  }
}

/** What there is before the first node. */
interface World {
  readonly lab: Lab;
  readonly lan: Lan;
  readonly front: Lan;
  readonly wan: Lan;
  readonly router: Host;
  readonly client: Host;
  /** The router's address on the front. */
  readonly gateway: string;
}

async function buildWorld(layout: Layout, directory: string | undefined): Promise<World> {
  const lab = await Lab.create(directory === undefined ? {} : { directory });
  const lan = await lab.lan(...layout.segment('lan'));
  const front = layout.nics === 1 ? lan : await lab.lan(...layout.segment('outside'));
  const wan = await lab.lan(...layout.segment('wan'));
  const router = await lab.router('router', [front, wan]);
  const client = await lab.host('client', { lan: wan, address: '10.9.0.2/24', gateway: '10.9.0.1' });
  return { lab, lan, front, wan, router, client, gateway: router.address };
}

async function nodeConfig(host: Host, layout: Layout, options: NodeSettings): Promise<NodeFile> {
  const { key = null, clusterAddress, ring, settings } = options;
  const keyFile = join(host.directory, 'cluster.key');
  if (key !== null) await writeFile(keyFile, key, { mode: 0o600 });
  return {
    ...layout.settings(clusterAddress),
    ring: { ...(key === null ? {} : { keyFile }), ...ring },
    ...settings,
  };
}

/** Node addresses differ in the last byte only. */
function smallest(addresses: readonly string[]): string | undefined {
  const lastByte = (address: string) => Number(address.split('.')[3]);
  return [...addresses].sort((one, other) => lastByte(one) - lastByte(other))[0];
}

function agree(statuses: readonly StatusDocument[]): boolean {
  const addresses = statuses.map(({ address }) => address).sort();
  const dispatcher = smallest(addresses);
  const sameRing = statuses.every(({ ring }) => {
    const members = ring.members.filter(({ active }) => active).map(({ address }) => address);
    return ring.dispatcher === dispatcher && members.sort().join() === addresses.join();
  });
  const leading = statuses.find(({ address }) => address === dispatcher);
  return (
    sameRing && leading !== undefined && leading.role !== 'server' && leading.rebuild.state !== 'running'
  );
}

function disagreement(statuses: readonly StatusDocument[], living: number, timeoutMs: number): string {
  const lines = statuses.map(({ address, role, ring, rebuild }) => {
    const members = ring.members.map((member) => `${member.address}${member.active ? '' : ' (inactive)'}`);
    return `  ${address}: ${role}, dispatcher ${ring.dispatcher}, ring ${members.join(' ')}, rebuild ${rebuild.state}`;
  });
  return [`The ${living} living nodes did not become one ring within ${timeoutMs} ms:`, ...lines].join('\n');
}
