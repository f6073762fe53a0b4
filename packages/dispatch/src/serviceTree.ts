import { type IpAddress, IpProtocol, isIpAddress, MAC_BYTES, macEquals, readI32 } from 'libnetraw/wire';
import { serverName, type ServerTable } from './servers.js';
import { createScheduler, type SchedulerName } from './schedulers/create.js';
import { Service } from './service.js';

/** A cluster's number fits one byte of a connection's record. */
export const MAX_CLUSTERS = 255;

/** Whose connections go to one server together. */
export interface AffinityConfig {
  /** Leading bits of an IPv4 address that name a client, 1 to 32. */
  prefix4: number;
  /** Leading bits of an IPv6 address that name a client, 1 to 128. */
  prefix6: number;
  /** For how long after its last new connection a client is remembered. */
  timeoutMs: number;
}

/** A server outside the ring. */
export interface FixedServerConfig {
  /** Of the cluster's family. */
  address: IpAddress;
  /** Up to 255; default 1. */
  weight?: number;
}

/** How frames get to the servers: MACs are rewritten and the servers answer directly, or addresses both ways. */
export type ClusterMode = 'l4/2' | 'l4/3';

/** A port of a cluster address, as configured. */
export interface PortConfig {
  /** 1 to 65535. */
  port: number;
  /** `all` is TCP and UDP. */
  protocol: 'tcp' | 'udp' | 'all';
  /** Default `round-robin`. */
  scheduler?: SchedulerName;
  /** In L4/3: the port of the servers, when it is another one. */
  targetPort?: number;
  /** No map entry: every packet goes where the hash of its client says. For schedulers that need nothing else. */
  stateless?: boolean;
  affinity?: AffinityConfig;
  /** In L4/3: serve this port instead of the ring's members. */
  servers?: readonly FixedServerConfig[];
}

/** A cluster address, as configured. */
export interface ClusterConfig {
  address: IpAddress;
  /** What ARP or neighbour discovery says it lives at; see `virtualMacOf`. */
  virtualMac: Uint8Array;
  /** Default `l4/2`. */
  mode?: ClusterMode;
  /** In L4/3: the ghost gateway, through which the servers answer. */
  gateway?: { address: IpAddress; virtualMac: Uint8Array };
  ports: readonly PortConfig[];
}

/** A cluster address and its services. */
export interface Cluster {
  /** Its place in the configuration; part of a connection's key. */
  readonly index: number;
  /** Unsigned. */
  readonly address: number;
  readonly virtualMac: Uint8Array;
  /** By {@link serviceKey}. */
  readonly services: ReadonlyMap<number, Service>;
}

function serviceKey(protocol: number, port: number): number {
  return (protocol << 16) | port;
}

/** cluster address -> port and protocol -> service, with the lookups that the packet path needs. */
export class ServiceTree {
  readonly clusters: readonly Cluster[];
  /** By the address as signed 32 bits: a number that the engine need not put on its heap. */
  private readonly byAddress = new Map<number, Cluster>();
  /** By the last four bytes of the virtual MAC. Several clusters may share one, if 24 bits of their addresses agree. */
  private readonly byMac = new Map<number, Cluster[]>();

  /** Throws on what the configuration's schema must have refused: too many clusters, an address or port twice. */
  constructor(configs: readonly ClusterConfig[], seed = 0) {
    if (configs.length > MAX_CLUSTERS) throw new RangeError(`more than ${MAX_CLUSTERS} clusters`);
    this.clusters = configs.map((config, index) => buildCluster(config, index, seed));
    for (const cluster of this.clusters) {
      if (this.clusterOf(cluster.address) !== undefined)
        throw new RangeError('two clusters with one address');
      this.byAddress.set(cluster.address | 0, cluster);
      const key = readI32(cluster.virtualMac, 2);
      this.byMac.set(key, [...(this.byMac.get(key) ?? []), cluster]);
    }
  }

  /** Whether the six bytes at `offset` are a virtual MAC of ours. */
  isVirtualMac(memory: Uint8Array, offset: number): boolean {
    const sharing = this.byMac.get(readI32(memory, offset + 2));
    if (sharing === undefined) return false;
    for (let i = 0; i < sharing.length; i++) {
      if (macEquals(memory, offset, sharing[i].virtualMac, 0)) return true;
    }
    return false;
  }

  /** Tells every service's scheduler that the servers have changed. */
  updateSchedulers(servers: ServerTable): void {
    for (const { services } of this.clusters) {
      for (const service of services.values()) service.update(servers);
    }
  }

  /** The cluster with this address, signed or not. */
  clusterOf(address: number): Cluster | undefined {
    return this.byAddress.get(address | 0);
  }

  /** What the cluster offers on a port; `protocol` is 6 or 17. */
  serviceOf(cluster: Cluster, protocol: number, port: number): Service | undefined {
    return cluster.services.get(serviceKey(protocol, port));
  }
}

function buildCluster(config: ClusterConfig, index: number, seed: number): Cluster {
  const { address } = config;
  if (!isIpAddress(address) || typeof address !== 'number') throw new RangeError('clusters are IPv4 so far');
  if (config.mode === 'l4/3') throw new RangeError('clusters are L4/2 so far');
  if (config.virtualMac.length !== MAC_BYTES) throw new RangeError('a virtual MAC has six bytes');
  const services = new Map<number, Service>();
  for (const portConfig of config.ports) {
    const { port, protocol } = portConfig;
    // TCP and UDP of an `all` port take turns together: they are one service.
    const service = buildService(portConfig, seed);
    for (const number of protocolNumbers(protocol)) {
      const key = serviceKey(number, port);
      if (services.has(key)) throw new RangeError(`port ${port} twice in one cluster`);
      services.set(key, service);
    }
  }
  return { index, address, virtualMac: config.virtualMac.slice(), services };
}

function buildService(config: PortConfig, seed: number): Service {
  const { port, targetPort = port, scheduler = 'round-robin', servers } = config;
  for (const number of [port, targetPort]) {
    if (!Number.isInteger(number) || number < 1 || number > 0xffff) throw new RangeError(`port ${number}`);
  }
  return new Service({
    port,
    targetPort,
    scheduler: createScheduler(scheduler, seed + port),
    wantsAddress6: false,
    ...(servers === undefined
      ? {}
      : { fixedServers: new Set(servers.map(({ address }) => serverName(address))) }),
  });
}

function protocolNumbers(protocol: PortConfig['protocol']): readonly number[] {
  if (protocol === 'tcp') return [IpProtocol.tcp];
  if (protocol === 'udp') return [IpProtocol.udp];
  return [IpProtocol.tcp, IpProtocol.udp];
}
