import { formatKeyFile, generateKey, type StatusDocument } from '@ringmaster/node';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors.js';
import { startHttpService } from '../services/service.js';
import type { Host } from '../world/host.js';
import { Lab } from '../world/lab.js';
import type { Lan } from '../world/lan.js';
import type { LabProcess } from '../world/process.js';
import { startNode, type NodeFile, type RingmasterNode } from './node.js';

/** The address that the nodes serve together. */
export const CLUSTER_ADDRESS = '10.0.0.100';
const NETWORK = '10.0.0.0/24';
const FIRST_NODE = 11;
const POLL_MS = 50;

/** What the configuration of a node of the cluster says. */
export interface NodeSettings {
  /** Text of its key file; `null` for none. By default all nodes of the cluster share a fresh one. */
  readonly key?: string | null;
  /** The address that it serves. */
  readonly clusterAddress?: string;
  /** Settings of the `ring` section that differ from the defaults. */
  readonly ring?: Readonly<Record<string, unknown>>;
  /** Further top-level settings. */
  readonly settings?: NodeFile;
}

export interface ClusterOptions extends NodeSettings {
  /** Number of nodes, 4 unless told. */
  readonly nodes?: number;
  /** What is different on the node with this index (from 0). */
  readonly perNode?: (index: number) => NodeSettings;
  /** How long `raise` waits for the ring to be whole. */
  readonly patienceMs?: number;
  /** Where the hosts' files (configuration, logs) go; by default they vanish with the lab. */
  readonly directory?: string;
}

/** A host of the cluster, with its HTTP service and its Ringmaster node while they run. */
export class ClusterHost {
  readonly host: Host;
  /** What its configuration file says, but for the control socket. */
  readonly config: NodeFile;
  #service: LabProcess | undefined;
  #node: RingmasterNode | undefined;

  constructor(host: Host, config: NodeFile) {
    this.host = host;
    this.config = config;
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
    this.#service = await startHttpService(this.host);
  }

  async startNode(): Promise<RingmasterNode> {
    this.#node = await startNode(this.host, this.config);
    return this.#node;
  }

  /** Starts what does not run: the service, then the node. */
  async start(): Promise<void> {
    if (this.#service === undefined || this.#service.ended !== undefined) await this.startService();
    if (!this.up) await this.startNode();
  }

  /** SIGKILL for Ringmaster, and then for the service. */
  async kill(): Promise<void> {
    this.#node?.kill('SIGKILL');
    this.#service?.kill('SIGKILL');
    await Promise.all([this.#node?.process.exited, this.#service?.exited]);
  }
}

/** client - router - LAN with identical nodes; the nodes serve HTTP on `CLUSTER_ADDRESS` port 80. */
export class Cluster {
  readonly lab: Lab;
  readonly lan: Lan;
  readonly router: Host;
  readonly client: Host;
  readonly hosts: readonly ClusterHost[];
  /** What clients call. */
  readonly target = `${CLUSTER_ADDRESS}:80`;

  private constructor(lab: Lab, lan: Lan, router: Host, client: Host, hosts: readonly ClusterHost[]) {
    this.lab = lab;
    this.lan = lan;
    this.router = router;
    this.client = client;
    this.hosts = hosts;
  }

  /** Builds the hosts and the network; nothing runs on them yet. */
  static async build(options: ClusterOptions = {}): Promise<Cluster> {
    const { directory } = options;
    const lab = await Lab.create(directory === undefined ? {} : { directory });
    const lan = await lab.lan('lan', NETWORK);
    const wan = await lab.lan('wan', '10.9.0.0/24');
    const router = await lab.router('router', [lan, wan]);
    const client = await lab.host('client', { lan: wan, address: '10.9.0.2/24', gateway: '10.9.0.1' });
    const key = formatKeyFile(generateKey());
    const hosts: ClusterHost[] = [];
    for (let i = 0; i < (options.nodes ?? 4); i++) {
      const address = `10.0.0.${FIRST_NODE + i}/24`;
      const host = await lab.host(`n${i + 1}`, { lan, address, gateway: '10.0.0.1' });
      hosts.push(new ClusterHost(host, await nodeConfig(host, { key, ...options, ...options.perNode?.(i) })));
    }
    return new Cluster(lab, lan, router, client, hosts);
  }

  /** Builds the cluster, starts everything, and waits until the ring is whole. */
  static async raise(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.build(options);
    await Promise.all(cluster.hosts.map((host) => host.startService()));
    await Promise.all(cluster.hosts.map((host) => host.startNode()));
    await cluster.whole(options.patienceMs);
    return cluster;
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

async function nodeConfig(host: Host, options: NodeSettings): Promise<NodeFile> {
  const { key = null, clusterAddress = CLUSTER_ADDRESS, ring, settings } = options;
  const keyFile = join(host.directory, 'cluster.key');
  if (key !== null) await writeFile(keyFile, key, { mode: 0o600 });
  return {
    interface: 'eth0',
    ring: { ...(key === null ? {} : { keyFile }), ...ring },
    clusters: [{ address: clusterAddress, mode: 'l4/2', ports: [{ port: 80, protocol: 'tcp' }] }],
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
