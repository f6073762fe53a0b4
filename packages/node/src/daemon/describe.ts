/** What the parts of a node are told about it: made from the configuration and the host, nothing else. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { isIPv4 } from 'node:net';
import type { ClusterConfig as DispatchCluster, PortConfig } from '@ringmaster/dispatch';
import { sharedMacOf, virtualMacOf } from '@ringmaster/dispatch';
import type { Address, RingConfig, RoleRules, SelfDescription } from '@ringmaster/ring';
import { addressOfMac } from '@ringmaster/transport';
import type { IpAddress } from 'libnetraw/wire';
import type { NodeConfig, ServicePortConfig } from '../config/index.js';
import { ipAddress, ipv4Number } from '../host/clusterAddress.js';
import type { HostInterface } from '../host/index.js';
import type { InventoryWorkerData, ListedPlace } from '../inventory/inventoryWorker.js';
import { encodeServices } from '../services.js';

export function dispatchClusters(config: NodeConfig): DispatchCluster[] {
  return config.clusters.map((cluster) => {
    const { mode } = cluster;
    assert(mode !== 'l7', 'unsupportedProblems refuses it');
    const ports = cluster.ports.map(dispatchPort);
    if (cluster.dispatch === 'broadcast') {
      const address = ipAddress(cluster.address);
      return { address, virtualMac: sharedMacOf(address), isShared: true, mode, ports };
    }
    const place = livesAt(cluster.address);
    if (cluster.gateway === undefined) return { ...place, mode, ports };
    return { ...place, mode, gateway: livesAt(cluster.gateway), ports };
  });
}

function livesAt(text: string): { address: IpAddress; virtualMac: Uint8Array } {
  const address = ipAddress(text);
  return { address, virtualMac: virtualMacOf(address) };
}

function dispatchPort({
  port,
  protocol,
  scheduler,
  targetPort,
  stateless,
  servers,
  affinity,
}: ServicePortConfig): PortConfig {
  return {
    port,
    protocol,
    scheduler,
    stateless,
    ...(targetPort !== undefined && { targetPort }),
    ...(affinity !== undefined && { affinity }),
    ...(servers !== undefined && {
      servers: servers.map(({ address, weight }) => ({ address: ipAddress(address), weight })),
    }),
  };
}

export function inventoryData(
  config: NodeConfig,
  host: HostInterface,
  keys: readonly Uint8Array[] | undefined,
): InventoryWorkerData {
  return {
    address: host.address,
    port: config.ring.port,
    keys,
    places: listedPlaces(config, host),
    maxConnections: config.maxConnections,
  };
}

/** Where this host has the cluster's connections: at the cluster address, or in L4/3 at its own address and the target port. */
export function listedPlaces(config: NodeConfig, host: HostInterface): ListedPlace[] {
  return config.clusters.flatMap(({ address, mode, ports }) => {
    const served = ports.filter(({ servers }) => servers === undefined);
    const own = isIPv4(address) ? host.address : host.address6;
    const local = mode === 'l4/3' ? own : address;
    if (local === undefined || served.length === 0) return [];
    const targets = served.map(({ port, targetPort = port }) => targetPort);
    return [{ address: ipAddress(local), ports: [...new Set(targets)] }];
  });
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
    services: encodeServices(host, config.clusters),
    incarnation: randomInt(1, 2 ** 32),
  };
}

/** Whether all members share the clients among them; see `dispatch` in the configuration. */
export const isBroadcast = ({ clusters }: NodeConfig): boolean =>
  clusters.some(({ dispatch }) => dispatch === 'broadcast');

/** What decides who dispatches. */
export function roleRules({ ring }: NodeConfig): RoleRules {
  return {
    election: { order: ring.election.from, position: ring.election.position },
    preempt: ring.preempt,
    holdDownMs: ring.holdDownMs,
    minimumMembers: ring.minimumMembers,
  };
}

export function ringConfig(config: NodeConfig): Partial<RingConfig> {
  const { ring } = config;
  return {
    ...roleRules(config),
    heartbeatIntervalMs: ring.heartbeatIntervalMs,
    communicationTimeoutMs: ring.communicationTimeoutMs,
    broadcastTimeoutMs: ring.broadcastTimeoutMs,
    wallOffsetMs: Date.now() - performance.now(),
  };
}
