import { ETHERNET_HEADER_BYTES, type IpAddress, MAC_BYTES } from 'libnetraw/wire';
import { type Flow, FlowKind } from '../flow/flow.js';
import { FlowReader } from '../flow/flowReader.js';
import { LinkHeader } from '../flow/linkHeader.js';
import type { ConnectionMaps } from '../map/connectionMaps.js';
import { ReturnReader } from '../nat/returnReader.js';
import type { SchedulerName } from '../schedulers/create.js';
import { SERVER_ADDRESS_BYTES, type ServerInfo, type ServerTable } from '../servers.js';
import type { Service } from '../service.js';
import { MacRole, type ServiceTree } from '../serviceTree.js';
import { addressOfWords, type ConnectionRow, rowOf } from '../snapshot.js';
import { DropReason } from '../verdicts.js';

/** What a dispatcher knows of the connection that a frame belongs to. */
export interface Examination {
  /** Towards a server, or in L4/3 back from one. */
  readonly direction: 'to-server' | 'to-client';
  readonly clientAddress: IpAddress;
  readonly clientPort: number;
  readonly clusterAddress: IpAddress;
  readonly port: number;
  /** 6 TCP, 17 UDP. */
  readonly protocol: number;
  /** Whether it is an ICMP error about the connection, not a packet of it. */
  readonly isError: boolean;
  /** Its entry in the connection map, if it has one. */
  readonly connection?: ConnectionRow;
  /** The server that has it, also when it has left the ring. */
  readonly server?: ExaminedServer;
  /** In L4/3: the MAC that the server's packets go to, when it is known. */
  readonly nextHopMac?: Uint8Array;
  /** What listens on the port. */
  readonly service?: ExaminedService;
}

/** A service, as far as a new connection would meet it. */
export interface ExaminedService {
  readonly scheduler: SchedulerName;
  /** Whether no connection is remembered. */
  readonly isStateless: boolean;
  /** Servers that it has, and how many of these take new connections. */
  readonly servers: number;
  readonly eligible: number;
  /** The server that the next new connection of this client would get; absent when none takes it. */
  readonly next?: ExaminedServer;
}

/** A server as the dispatcher has it, its MAC as it has been learned. */
export type ExaminedServer = ServerInfo & {
  /** Whether it has been away for so long that its connections count as lost. */
  readonly isGone: boolean;
};

/** What an examiner looks at; it changes nothing. */
export interface ExaminerParts {
  readonly tree: ServiceTree;
  readonly servers: ServerTable;
  readonly maps: ConnectionMaps;
  /** MACs of next hops, by number. */
  readonly hopMacs: Uint8Array;
}

/** Looks up what is known about a frame, for `explain` (N7). Not for the packet path: it allocates. */
export class Examiner {
  private readonly parts: ExaminerParts;
  private readonly link = new LinkHeader();
  private readonly reader: FlowReader;
  private readonly returns: ReturnReader;

  constructor(parts: ExaminerParts) {
    this.parts = parts;
    this.reader = new FlowReader(parts.tree);
    this.returns = new ReturnReader(parts.tree, parts.servers);
  }

  /** `undefined`: the frame is no packet of a connection of ours, and no error about one. */
  examine(memory: Uint8Array, offset: number, length: number, nowMs: number): Examination | undefined {
    if (length < ETHERNET_HEADER_BYTES || !this.link.read(memory, offset, length)) return undefined;
    const role = this.parts.tree.macRole(memory, offset);
    if (role === MacRole.none) return undefined;
    const isReturn = role === MacRole.gateway;
    const reader = isReturn ? this.returns : this.reader;
    if (reader.read(memory, offset, length, this.link) !== DropReason.none) return undefined;
    const { flow } = reader;
    if (flow.kind !== FlowKind.packet && flow.kind !== FlowKind.error) return undefined;
    return this.describe(flow, isReturn, nowMs);
  }

  private describe(flow: Flow, isReturn: boolean, nowMs: number): Examination {
    const { tree, maps, hopMacs } = this.parts;
    const { cluster, key, protocol } = flow;
    const map = maps.of(cluster.family);
    const slot = map.find(key);
    // In a server's packet `port` is the server's: the key has the cluster's.
    const port = key.ports & 0xffff;
    const service = tree.serviceOf(cluster, protocol, port);
    const hop = slot < 0 ? 0 : map.hopOf(slot);
    return {
      direction: isReturn ? 'to-client' : 'to-server',
      clientAddress: clientOf(flow),
      clientPort: key.ports >>> 16,
      clusterAddress: cluster.address,
      port,
      protocol,
      isError: flow.kind === FlowKind.error,
      ...(slot >= 0 && {
        connection: rowOf(map, this.parts, nowMs, slot),
        server: this.describeServer(map.serverOf(slot), nowMs),
      }),
      ...(hop > 0 && { nextHopMac: hopMacs.slice(hop * MAC_BYTES, (hop + 1) * MAC_BYTES) }),
      ...(service !== undefined && { service: this.describeService(service, flow, nowMs) }),
    };
  }

  private describeService(service: Service, flow: Flow, nowMs: number): ExaminedService {
    const { known, eligible, next } = service.foresee(
      flow.key,
      flow.cluster.family,
      flow.clientNumber,
      nowMs,
    );
    return {
      scheduler: service.schedulerName,
      isStateless: service.isStateless,
      servers: known,
      eligible,
      ...(next >= 0 && { next: this.describeServer(next, nowMs) }),
    };
  }

  private describeServer(slot: number, nowMs: number): ExaminedServer {
    const { servers } = this.parts;
    const addressAt = slot * SERVER_ADDRESS_BYTES;
    const macAt = slot * MAC_BYTES;
    return {
      address: servers.addresses[slot],
      mac: servers.macs.slice(macAt, macAt + MAC_BYTES),
      ...(servers.hasAddress6[slot] === 1 && {
        address6: servers.addressBytes.slice(addressAt + 4, addressAt + SERVER_ADDRESS_BYTES),
      }),
      weight: 1,
      active: servers.active[slot] === 1,
      local: servers.local[slot] === 1,
      fixed: servers.fixed[slot] === 1,
      isGone: servers.isGone(slot, nowMs),
    };
  }
}

function clientOf({ cluster, key }: Flow): IpAddress {
  if (cluster.family === 4) return key.client0 >>> 0;
  return addressOfWords([key.client0, key.client1, key.client2, key.client3], 0);
}
