/** What the parts of a node are told about it: made from the configuration and the host, nothing else. */
import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { ClusterConfig as DispatchCluster } from '@ringmaster/dispatch';
import { virtualMacOf } from '@ringmaster/dispatch';
import type { Address, RingConfig, SelfDescription } from '@ringmaster/ring';
import { addressOfMac } from '@ringmaster/transport';
import type { NodeConfig } from '../config/index.js';
import { ipv4Number } from '../host/clusterAddress.js';
import type { HostInterface } from '../host/index.js';
import type { InventoryWorkerData } from '../inventory/inventoryWorker.js';
import { encodeServices } from '../services.js';

export function dispatchClusters(config: NodeConfig): DispatchCluster[] {
  return config.clusters.map((cluster) => {
    const address = ipv4Number(cluster.address);
    const ports = cluster.ports.map(({ port, protocol, scheduler, affinity }) => ({
      ...{ port, protocol, scheduler },
      ...(affinity && { affinity }),
    }));
    return { address, virtualMac: virtualMacOf(address), ports };
  });
}

export function inventoryData(
  config: NodeConfig,
  host: HostInterface,
  keys: readonly Uint8Array[] | undefined,
): InventoryWorkerData {
  const places = config.clusters.map(({ address, ports }) => ({
    address: ipv4Number(address),
    ports: ports.map((service) => service.port),
  }));
  return {
    address: host.address,
    port: config.ring.port,
    keys,
    places,
    maxConnections: config.maxConnections,
  };
}

/** What orders the members: the IPv4 address, or over Ethernet the MAC. */
function ringAddress({ ring }: NodeConfig, host: HostInterface): Address {
  return ring.transport === 'ethernet' ? addressOfMac(host.mac) : ipv4Number(host.address);
}

export function describeSelf(config: NodeConfig, host: HostInterface): SelfDescription {
  return {
    address: ringAddress(config, host),
    mac: host.mac,
    canDispatch: config.capabilities.includes('dispatch'),
    canServe: config.capabilities.includes('serve'),
    weight: config.weight,
    services: encodeServices(host.address, config.clusters),
    incarnation: randomInt(1, 2 ** 32),
  };
}

export function ringConfig({ ring }: NodeConfig): Partial<RingConfig> {
  return {
    heartbeatIntervalMs: ring.heartbeatIntervalMs,
    communicationTimeoutMs: ring.communicationTimeoutMs,
    broadcastTimeoutMs: ring.broadcastTimeoutMs,
    election: { order: ring.election.from, position: ring.election.position },
    preempt: ring.preempt,
    holdDownMs: ring.holdDownMs,
    minimumMembers: ring.minimumMembers,
    wallOffsetMs: Date.now() - performance.now(),
  };
}
