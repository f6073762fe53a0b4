import { type IpAddress, macEquals, readI32 } from 'libnetraw/wire';
import { AddressBook } from './addressBook.js';
import { buildCluster, type Cluster, type ClusterConfig, type OwnedAddress, serviceKey } from './cluster.js';
import type { AddressFamily } from './map/connectionRecord.js';
import type { SchedulerStart } from './schedulers/create.js';
import type { ServerTable } from './servers.js';
import type { Service } from './service.js';

/** A cluster's number fits one byte of a connection's record. */
export const MAX_CLUSTERS = 255;

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

/** cluster address -> port and protocol -> service, with the lookups that the packet path needs. */
export class ServiceTree {
  /** In the order of the configuration. */
  clusters: readonly Cluster[];
  /** Cluster addresses and ghost gateways. */
  private owned = new AddressBook<OwnedAddress>();
  private byAddress = new AddressBook<Cluster>();
  /** By the last four bytes of the virtual MAC. Several addresses may share one, if 24 of their bits agree. */
  private byMac = new Map<number, OwnedAddress[]>();
  /** The services of L4/3, by family, protocol and target port: {@link targetKey}. */
  private byTarget = new Map<number, TranslatedService>();
  private byIndex: readonly (Cluster | undefined)[];

  /**
   * Throws on what the configuration's schema must have refused: too many clusters, an address or port twice.
   * @param former what it is to take the place of: clusters keep their numbers, and services that are configured as before
   * are the same objects, with their turns and what they remember
   */
  constructor(
    configs: readonly ClusterConfig[],
    start: SchedulerStart = { seed: 0 },
    former?: Pick<ServiceTree, 'clusters' | 'clusterAt'>,
  ) {
    if (configs.length > MAX_CLUSTERS) throw new RangeError(`more than ${MAX_CLUSTERS} clusters`);
    const indexes = new FreeIndexes(former?.clusters ?? []);
    this.clusters = configs.map((config) => {
      const before = former?.clusterAt(config.address);
      return buildCluster(config, before?.index ?? indexes.take(), start, before);
    });
    for (const cluster of this.clusters) {
      if (this.byAddress.at(cluster.address) !== undefined) {
        throw new RangeError('two clusters with one address');
      }
      this.byAddress.add(cluster);
      this.own(cluster);
    }
    for (const cluster of this.clusters) this.addTranslated(cluster);
    const byIndex: (Cluster | undefined)[] = new Array<undefined>(MAX_CLUSTERS).fill(undefined);
    for (const cluster of this.clusters) byIndex[cluster.index] = cluster;
    this.byIndex = byIndex;
  }

  /** Takes over all that another tree has: whoever works with this one goes on with that. */
  adopt(other: ServiceTree): void {
    this.clusters = other.clusters;
    this.owned = other.owned;
    this.byAddress = other.byAddress;
    this.byMac = other.byMac;
    this.byTarget = other.byTarget;
    this.byIndex = other.byIndex;
  }

  /** The cluster with this number, by which connections and fragments name it; `undefined` when it is gone. */
  clusterNumbered(index: number): Cluster | undefined {
    return this.byIndex[index];
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

/** Numbers for clusters that no other has, nor had: connections of one that is gone may still be in the map. */
class FreeIndexes {
  private readonly taken: Set<number>;
  private next = 0;

  constructor(former: readonly Cluster[]) {
    this.taken = new Set(former.map(({ index }) => index));
  }

  take(): number {
    while (this.taken.has(this.next)) this.next++;
    if (this.next >= MAX_CLUSTERS) throw new RangeError(`more than ${MAX_CLUSTERS} clusters`);
    return this.next++;
  }
}
