import { IpProtocol, MAC_BYTES, macEquals, readI32 } from 'libnetraw/wire';
import type { ServerTable } from './servers.js';
import { createScheduler, type SchedulerName } from './schedulers/create.js';
import type { Scheduler } from './schedulers/scheduler.js';

/** A cluster's number fits one byte of a connection's record. */
export const MAX_CLUSTERS = 255;

/** A port of a cluster address, as configured. */
export interface PortConfig {
  /** 1 to 65535. */
  port: number;
  /** `all` is TCP and UDP. */
  protocol: 'tcp' | 'udp' | 'all';
  /** Default `round-robin`. */
  scheduler?: SchedulerName;
}

/** A cluster address, as configured. */
export interface ClusterConfig {
  /** Unsigned 32-bit IPv4 address. */
  address: number;
  /** What ARP says it lives at; see `virtualMacOf`. */
  virtualMac: Uint8Array;
  ports: readonly PortConfig[];
}

/** What listens on a port of a cluster. */
export interface Service {
  readonly port: number;
  readonly scheduler: Scheduler;
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
      for (const { scheduler } of services.values()) scheduler.update(servers);
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
  if (config.virtualMac.length !== MAC_BYTES) throw new RangeError('a virtual MAC has six bytes');
  const services = new Map<number, Service>();
  for (const { port, protocol, scheduler = 'round-robin' } of config.ports) {
    if (!Number.isInteger(port) || port < 1 || port > 0xffff) throw new RangeError(`port ${port}`);
    // TCP and UDP of an `all` port take turns together: they are one service.
    const service: Service = { port, scheduler: createScheduler(scheduler, seed + port) };
    for (const number of protocolNumbers(protocol)) {
      const key = serviceKey(number, port);
      if (services.has(key)) throw new RangeError(`port ${port} twice in one cluster`);
      services.set(key, service);
    }
  }
  return { index, address: config.address, virtualMac: config.virtualMac.slice(), services };
}

function protocolNumbers(protocol: PortConfig['protocol']): readonly number[] {
  if (protocol === 'tcp') return [IpProtocol.tcp];
  if (protocol === 'udp') return [IpProtocol.udp];
  return [IpProtocol.tcp, IpProtocol.udp];
}
