import { address6Of } from '../world/addresses.js';
import type { Host } from '../world/host.js';
import { formatTarget } from '../load/target.js';

export type Family = 4 | 6;
export type ServiceName = 'http' | 'bulk';

/** What a cluster of the lab looks like. */
export interface LayoutOptions {
  /** How it dispatches; L4/2 unless told. */
  readonly mode?: 'l4/2' | 'l4/3';
  /** Families in which clients call it, each with a cluster address; IPv4 alone unless told. */
  readonly families?: readonly Family[];
  /** Cards of a node, 1 unless told. With 2, clients come in by the outer one and the ring is on the inner one. */
  readonly nics?: 1 | 2;
  /** Threads of the data plane; whatever the default is, unless told. */
  readonly workers?: number;
  /** Whether the hosts run the bulk service, too (port 9000, TCP and UDP). */
  readonly bulk?: boolean;
}

/** IPv4 and IPv6 network of each segment. */
const NETWORKS = {
  lan: ['10.0.0.0/24', 'fd00:a::/64'],
  outside: ['10.1.0.0/24', 'fd00:c::/64'],
  wan: ['10.9.0.0/24', 'fd00:b::/64'],
} as const;

/** Last numbers of addresses in their networks. */
const CLUSTER = 100;
const GHOST = 254;
const FIRST_NODE = 11;

/** What clients call, and where the services listen when the dispatcher maps ports (L4/3). */
const PORTS = { http: { port: 80, mapped: 8080 }, bulk: { port: 9000, mapped: 9009 } } as const;

/** The address that the nodes serve together, with one card. */
export const CLUSTER_ADDRESS = '10.0.0.100';

/** Addresses, ports and the configuration that follow from the options. */
export class Layout {
  readonly mode: 'l4/2' | 'l4/3';
  readonly families: readonly Family[];
  readonly nics: 1 | 2;
  readonly bulk: boolean;
  readonly #workers: number | undefined;

  constructor(options: LayoutOptions) {
    this.mode = options.mode ?? 'l4/2';
    this.families = options.families ?? [4];
    this.nics = options.nics ?? 1;
    this.bulk = options.bulk ?? false;
    this.#workers = options.workers;
  }

  /** Arguments for `Lab.lan`: name, network, and the IPv6 network if the cluster has to do with it. */
  segment(name: keyof typeof NETWORKS): [string, string, string?] {
    const [network, network6] = NETWORKS[name];
    return this.families.includes(6) ? [name, network, network6] : [name, network];
  }

  /** Address of a node's card on a segment, with prefix length; `index` counts from 0. */
  nodeAddress(segment: 'lan' | 'outside', index: number): string {
    return `${inNetwork(NETWORKS[segment][0], FIRST_NODE + index)}/24`;
  }

  /** The address that clients of a family call. */
  clusterAddress(family: Family): string {
    return this.#address(this.nics === 2 ? 'outside' : 'lan', family, CLUSTER);
  }

  /** The gateway that stands in for the dispatcher, on the servers' side. */
  ghostGateway(family: Family): string {
    return this.#address('lan', family, GHOST);
  }

  /** What clients of a family call for a service. */
  target(family: Family, service: ServiceName): string {
    return formatTarget(this.clusterAddress(family), PORTS[service].port);
  }

  /** Where a service listens on the hosts. */
  servicePort(service: ServiceName): number {
    return this.mode === 'l4/3' ? PORTS[service].mapped : PORTS[service].port;
  }

  /**
   * Where a UDP service has to listen, so that its answers come from the address that the packets went to: the cluster's
   * in L4/2, the host's own in L4/3.
   */
  serviceAddresses(host: Host): string[] {
    if (this.mode === 'l4/2') return this.families.map((family) => this.clusterAddress(family));
    return this.families.map((family) => (family === 4 ? host.address : host.address6!));
  }

  /** The part of the configuration file that follows. */
  settings(clusterAddress?: string): Readonly<Record<string, unknown>> {
    return {
      interface: 'eth0',
      ...(this.nics === 2 ? { outside: { interface: 'eth1' } } : {}),
      ...(this.#workers === undefined ? {} : { workers: this.#workers }),
      clusters: this.families.map((family) => ({
        address: family === 4 ? (clusterAddress ?? this.clusterAddress(4)) : this.clusterAddress(6),
        mode: this.mode,
        ...(this.mode === 'l4/3' ? { gateway: this.ghostGateway(family) } : {}),
        ports: [this.#port('http', 'tcp'), ...(this.bulk ? [this.#port('bulk', 'all')] : [])],
      })),
    };
  }

  #port(service: ServiceName, protocol: 'tcp' | 'all') {
    const { port, mapped } = PORTS[service];
    return { port, protocol, ...(this.mode === 'l4/3' ? { targetPort: mapped } : {}) };
  }

  #address(segment: 'lan' | 'outside', family: Family, number: number): string {
    const [network, network6] = NETWORKS[segment];
    const address = inNetwork(network, number);
    return family === 4 ? address : address6Of(network6, address)!;
  }
}

/** 10.0.0.0/24 and 11 make 10.0.0.11. */
function inNetwork(network: string, number: number): string {
  return network.replace(/\.\d+\/.*$/, `.${number}`);
}
