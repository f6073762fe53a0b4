import {
  type IpAddress,
  IpProtocol,
  IPV6_ADDRESS_BYTES,
  isIpAddress,
  MAC_BYTES,
  macEquals,
  readI32,
  writeIp,
} from 'libnetraw/wire';
import { AddressBook } from './addressBook.js';
import type { AddressFamily } from './map/connectionRecord.js';
import { Affinity } from './balance/affinity.js';
import {
  canBeStateless,
  createScheduler,
  type SchedulerName,
  type SchedulerStart,
} from './schedulers/create.js';
import { serverName, type ServerTable } from './servers.js';
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

/** An address that is answered for in the place of a host. */
export interface OwnedAddress {
  readonly address: IpAddress;
  /** The same as packets have it. */
  readonly addressBytes: Uint8Array;
  /** Where ARP and neighbour discovery say that it lives. */
  readonly virtualMac: Uint8Array;
  /** Whether it is a ghost gateway. */
  readonly isRouter: boolean;
}

/** A cluster address and its services. */
export interface Cluster extends OwnedAddress {
  /** Its place in the configuration; part of a connection's key. */
  readonly index: number;
  readonly family: AddressFamily;
  /** By {@link serviceKey}. */
  readonly services: ReadonlyMap<number, Service>;
  /** In L4/3, and only there: what the servers answer through. */
  readonly gateway: OwnedAddress | undefined;
}

/** A service of L4/3, found by what its servers' packets say. */
export interface TranslatedService {
  readonly cluster: Cluster;
  readonly service: Service;
}

/** What a virtual MAC is of; see `ServiceTree.macRole`. */
export const MacRole = { none: 0, cluster: 1, gateway: 2 } as const;
export type MacRole = (typeof MacRole)[keyof typeof MacRole];

function targetKey(family: AddressFamily, protocol: number, port: number): number {
  return (family << 24) | serviceKey(protocol, port);
}

function serviceKey(protocol: number, port: number): number {
  return (protocol << 16) | port;
}

/** cluster address -> port and protocol -> service, with the lookups that the packet path needs. */
export class ServiceTree {
  readonly clusters: readonly Cluster[];
  /** Cluster addresses and ghost gateways. */
  private readonly owned = new AddressBook<OwnedAddress>();
  private readonly byAddress = new AddressBook<Cluster>();
  /** By the last four bytes of the virtual MAC. Several addresses may share one, if 24 of their bits agree. */
  private readonly byMac = new Map<number, OwnedAddress[]>();
  /** The services of L4/3, by family, protocol and target port: {@link targetKey}. */
  private readonly byTarget = new Map<number, TranslatedService>();

  /** Throws on what the configuration's schema must have refused: too many clusters, an address or port twice. */
  constructor(configs: readonly ClusterConfig[], start: SchedulerStart = { seed: 0 }) {
    if (configs.length > MAX_CLUSTERS) throw new RangeError(`more than ${MAX_CLUSTERS} clusters`);
    this.clusters = configs.map((config, index) => buildCluster(config, index, start));
    for (const cluster of this.clusters) {
      if (this.byAddress.at(cluster.address) !== undefined) {
        throw new RangeError('two clusters with one address');
      }
      this.byAddress.add(cluster);
      this.own(cluster);
    }
    for (const cluster of this.clusters) this.addTranslated(cluster);
  }

  /** Whether there is a cluster of this family. */
  has(family: AddressFamily): boolean {
    return this.clusters.some((cluster) => cluster.family === family);
  }

  /** Whether the six bytes at `offset` are a virtual MAC of ours. */
  isVirtualMac(memory: Uint8Array, offset: number): boolean {
    return this.ownerOfMac(memory, offset) !== undefined;
  }

  /** Whose virtual MAC the six bytes at `offset` are: a frame to a cluster's is a client's, one to a gateway's a server's. */
  macRole(memory: Uint8Array, offset: number): MacRole {
    const owner = this.ownerOfMac(memory, offset);
    if (owner === undefined) return MacRole.none;
    return owner.isRouter ? MacRole.gateway : MacRole.cluster;
  }

  /** One of those whose virtual MAC the six bytes at `offset` are; they are all clusters or all gateways. */
  ownerOfMac(memory: Uint8Array, offset: number): OwnedAddress | undefined {
    const sharing = this.byMac.get(readI32(memory, offset + 2));
    if (sharing === undefined) return undefined;
    for (let i = 0; i < sharing.length; i++) {
      if (macEquals(memory, offset, sharing[i].virtualMac, 0)) return sharing[i];
    }
    return undefined;
  }

  /** The service of L4/3 whose servers serve it on `port`; `protocol` is 6 or 17. */
  translatedService(family: AddressFamily, protocol: number, port: number): TranslatedService | undefined {
    return this.byTarget.get(targetKey(family, protocol, port));
  }

  /** The owner of an IPv4 address that is answered for, or of the IPv6 one at `offset`. */
  ownerOf(address: number): OwnedAddress | undefined {
    return this.owned.at4(address);
  }

  ownerOf6(memory: Uint8Array, offset: number): OwnedAddress | undefined {
    return this.owned.at6(memory, offset);
  }

  /** Tells every service's scheduler that the servers have changed. */
  updateSchedulers(servers: ServerTable): void {
    for (const { services } of this.clusters) {
      for (const service of services.values()) service.update(servers);
    }
  }

  /** The cluster with this IPv4 address, signed or not. */
  clusterOf(address: number): Cluster | undefined {
    return this.byAddress.at4(address);
  }

  /** The cluster whose IPv6 address stands at `offset`. */
  clusterOf6(memory: Uint8Array, offset: number): Cluster | undefined {
    return this.byAddress.at6(memory, offset);
  }

  /** The cluster with this address. */
  clusterAt(address: IpAddress): Cluster | undefined {
    return this.byAddress.at(address);
  }

  /** What the cluster offers on a port; `protocol` is 6 or 17. */
  serviceOf(cluster: Cluster, protocol: number, port: number): Service | undefined {
    return cluster.services.get(serviceKey(protocol, port));
  }

  private own(owner: OwnedAddress): void {
    this.owned.add(owner);
    const key = readI32(owner.virtualMac, 2);
    const sharing = this.byMac.get(key) ?? [];
    for (const other of sharing) {
      if (other.isRouter !== owner.isRouter && macEquals(other.virtualMac, 0, owner.virtualMac, 0)) {
        throw new RangeError(
          'a gateway and a cluster have one virtual MAC: the last 24 bits of their addresses agree',
        );
      }
    }
    this.byMac.set(key, [...sharing, owner]);
  }

  private addTranslated(cluster: Cluster): void {
    const { gateway, family } = cluster;
    if (gateway === undefined) return;
    this.addGateway(gateway);
    for (const [key, service] of cluster.services) {
      const target = targetKey(family, key >>> 16, service.targetPort);
      if (this.byTarget.has(target)) {
        throw new RangeError(
          `two services of L4/3 have target port ${service.targetPort}: answers could be of either`,
        );
      }
      this.byTarget.set(target, { cluster, service });
    }
  }

  /** Several clusters may have one gateway. */
  private addGateway(gateway: OwnedAddress): void {
    const known = this.owned.at(gateway.address);
    if (known === undefined) return this.own(gateway);
    if (!known.isRouter) throw new RangeError('a gateway has the address of a cluster');
    if (!macEquals(known.virtualMac, 0, gateway.virtualMac, 0))
      throw new RangeError('one gateway with two virtual MACs');
  }
}

function buildCluster(config: ClusterConfig, index: number, start: SchedulerStart): Cluster {
  const family = familyOf(config.address);
  const gateway = config.mode === 'l4/3' ? buildGateway(config.gateway, family) : undefined;
  const services = new Map<number, Service>();
  for (const portConfig of config.ports) {
    const service = buildService(portConfig, start, gateway !== undefined, family);
    // TCP and UDP of an `all` port take turns together: they are one service.
    for (const number of protocolNumbers(portConfig.protocol)) {
      const key = serviceKey(number, service.port);
      if (services.has(key)) throw new RangeError(`port ${service.port} twice in one cluster`);
      services.set(key, service);
    }
  }
  return { ...buildOwned(config, false), index, family, services, gateway };
}

function buildGateway(config: ClusterConfig['gateway'], family: AddressFamily): OwnedAddress {
  if (config === undefined) throw new RangeError('a cluster in L4/3 needs a gateway');
  if (familyOf(config.address) !== family) throw new RangeError("a gateway is of its cluster's family");
  return buildOwned(config, true);
}

function buildOwned(config: Pick<OwnedAddress, 'address' | 'virtualMac'>, isRouter: boolean): OwnedAddress {
  const { address, virtualMac } = config;
  if (!isIpAddress(address)) throw new RangeError('an address is a 32-bit number or has 16 bytes');
  if (virtualMac.length !== MAC_BYTES) throw new RangeError('a virtual MAC has six bytes');
  const addressBytes = new Uint8Array(familyOf(address) === 4 ? 4 : IPV6_ADDRESS_BYTES);
  writeIp(addressBytes, 0, address);
  const kept = typeof address === 'number' ? address : addressBytes;
  return { address: kept, addressBytes, virtualMac: virtualMac.slice(), isRouter };
}

function familyOf(address: IpAddress): AddressFamily {
  return typeof address === 'number' ? 4 : 6;
}

function buildService(
  config: PortConfig,
  start: SchedulerStart,
  isTranslated: boolean,
  family: AddressFamily,
): Service {
  const { port, targetPort = port, scheduler = 'round-robin', stateless = false, servers, affinity } = config;
  for (const number of [port, targetPort]) {
    if (!Number.isInteger(number) || number < 1 || number > 0xffff) throw new RangeError(`port ${number}`);
  }
  if (!isTranslated && (targetPort !== port || servers !== undefined)) {
    throw new RangeError(`port ${port}: another port or other servers than the ring's are for L4/3`);
  }
  if (stateless && !canBeStateless(scheduler)) throw new RangeError(`${scheduler} needs a connection map`);
  return new Service({
    port,
    targetPort,
    isStateless: stateless,
    scheduler: createScheduler(scheduler, { ...start, seed: start.seed + port }),
    schedulerName: scheduler,
    wantsAddress6: isTranslated && family === 6,
    ...(affinity && { affinity: new Affinity({ ...affinity, seed: start.seed + port }) }),
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
