/** Cluster addresses and their services: as they are configured, and built from that. */
import {
  formatIp,
  type IpAddress,
  IpProtocol,
  IPV6_ADDRESS_BYTES,
  isIpAddress,
  MAC_BYTES,
  writeIp,
} from 'libnetraw/wire';
import { Affinity } from './balance/affinity.js';
import type { AddressFamily } from './map/connectionRecord.js';
import {
  canBeStateless,
  createScheduler,
  type SchedulerName,
  type SchedulerStart,
} from './schedulers/create.js';
import { serverName } from './servers.js';
import { Service } from './service.js';

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
  /**
   * Whether all members have the address at once, each its share of the clients: new connections are this node's own. Its virtual
   * MAC is a group's (`sharedMacOf`). Default false: whoever dispatches chooses a server.
   */
  isShared?: boolean;
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
  /** Part of a connection's key; the same as long as the address is configured. */
  readonly index: number;
  readonly family: AddressFamily;
  /** By {@link serviceKey}. */
  readonly services: ReadonlyMap<number, Service>;
  /** In L4/3, and only there: what the servers answer through. */
  readonly gateway: OwnedAddress | undefined;
}

/**
 * What a service is called where its members' announcements are compared: `10.0.0.100:80/tcp`, `[2001:db8::64]:53/all`.
 * @param protocol as it is configured
 */
export function serviceName(address: IpAddress, port: number, protocol: PortConfig['protocol']): string {
  const host = typeof address === 'number' ? formatIp(address) : `[${formatIp(address)}]`;
  return `${host}:${port}/${protocol}`;
}

/** What a cluster's services are found by; `protocol` is 6 or 17. */
export function serviceKey(protocol: number, port: number): number {
  return (protocol << 16) | port;
}

/**
 * Builds a cluster. Throws a `RangeError` on what the configuration's schema must have refused.
 * @param former the cluster that had the address: services that are configured as there are taken over
 */
export function buildCluster(
  config: ClusterConfig,
  index: number,
  start: SchedulerStart,
  former?: Cluster,
): Cluster {
  const family = familyOf(config.address);
  const gateway = config.mode === 'l4/3' ? buildGateway(config.gateway, family) : undefined;
  const services = new Map<number, Service>();
  for (const portConfig of config.ports) {
    const protocols = protocolNumbers(portConfig.protocol);
    const name = serviceName(config.address, portConfig.port, portConfig.protocol);
    const { isShared = false } = config;
    const recipe = JSON.stringify({ ...portConfig, isTranslated: gateway !== undefined, family, isShared });
    const before = former?.services.get(serviceKey(protocols[0], portConfig.port));
    const service =
      before?.recipe === recipe
        ? before
        : buildService(portConfig, {
            start,
            isTranslated: gateway !== undefined,
            family,
            isShared,
            recipe,
            name,
          });
    // TCP and UDP of an `all` port take turns together: they are one service.
    for (const number of protocols) {
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

interface ServiceCircumstances {
  readonly start: SchedulerStart;
  readonly isTranslated: boolean;
  readonly isShared: boolean;
  readonly family: AddressFamily;
  readonly recipe: string;
  readonly name: string;
}

function buildService(
  config: PortConfig,
  { start, isTranslated, family, isShared, recipe, name }: ServiceCircumstances,
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
    recipe,
    name,
    port,
    targetPort,
    isStateless: stateless,
    isOwn: isShared,
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
