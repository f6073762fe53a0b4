import { IpProtocol, TcpFlag } from 'libnetraw/wire';
import { Counter } from '../counters.js';
import { FlowKind } from '../flow/flow.js';
import type { ConnectionMap } from '../map/connectionMap.js';
import type { ConnectionMaps } from '../map/connectionMaps.js';
import { ConnectionState, FinBit } from '../map/connectionRecord.js';
import type { ServerTable } from '../servers.js';
import { DropReason } from '../verdicts.js';
import type { ReturnFlow } from './returnFlow.js';

/** Finds the connection that a server's frame is of, and follows the server's half of it. */
export class ReturnRouter {
  /** After success: the slot of the server. */
  server = -1;
  /** After success: the number of the next hop towards the client, 0 when it is not known. */
  hop = 0;
  /** Whether what a server outside the ring sends is enough to know a connection by. */
  mayAdopt = false;

  private readonly maps: ConnectionMaps;
  private readonly servers: ServerTable;
  private readonly counters: Float64Array;

  constructor(maps: ConnectionMaps, servers: ServerTable, counters: Float64Array) {
    this.maps = maps;
    this.servers = servers;
    this.counters = counters;
  }

  /** Looks for the connection of a `packet` or `error` of `length` bytes: `none`, or why there is none. */
  route(flow: ReturnFlow, memory: Uint8Array, length: number, nowMs: number): DropReason {
    const { servers } = this;
    if (flow.service.isStateless) return this.routeStateless(flow, memory);
    const map = this.maps.of(flow.family);
    const slot = map.find(flow.key);
    if (slot < 0)
      return this.mayAdopt ? this.adopt(map, flow, memory, length, nowMs) : DropReason.unknownConnection;
    const server = map.serverOf(slot);
    if (!servers.hasAddress(server, flow.family, memory, flow.serverAddressAt)) return DropReason.wrongServer;
    this.server = server;
    this.hop = map.hopOf(slot);
    if (flow.kind === FlowKind.packet) follow(map, flow, slot, length, nowMs);
    return DropReason.none;
  }

  /**
   * Servers outside the ring do not report. What one of them sends in the middle of a connection of its service tells that
   * it has it; a SYN-ACK does not: who had called the cluster address would be known.
   */
  private adopt(
    map: ConnectionMap,
    flow: ReturnFlow,
    memory: Uint8Array,
    length: number,
    nowMs: number,
  ): DropReason {
    const { servers, counters } = this;
    const { service, family } = flow;
    const begins = (flow.tcpFlags & (TcpFlag.syn | TcpFlag.rst)) !== 0;
    if (!service.isFixed || flow.kind !== FlowKind.packet || begins) return DropReason.unknownConnection;
    const server = servers.slotAt(family, memory, flow.serverAddressAt);
    const isIts = server >= 0 && servers.fixed[server] === 1 && service.isServedBy(servers, server);
    if (!isIts) return DropReason.unknownConnection;
    const slot = map.insert(flow.key, server, ConnectionState.established, nowMs);
    if (slot < 0) return DropReason.mapFull;
    counters[Counter.entered]++;
    this.server = server;
    this.hop = 0;
    follow(map, flow, slot, length, nowMs);
    return DropReason.none;
  }

  /** Where nothing is remembered, any server may have answered, and nobody knows where the client is. */
  private routeStateless(flow: ReturnFlow, memory: Uint8Array): DropReason {
    this.server = this.servers.slotAt(flow.family, memory, flow.serverAddressAt);
    this.hop = 0;
    return this.server < 0 ? DropReason.unknownSender : DropReason.none;
  }
}

/**
 * Notes a packet of the server. Its FIN ends its half, a RST all; an answer to a datagram shows that the client is real.
 * Of TCP only the client's ACK shows that: anybody gets a SYN-ACK sent.
 */
function follow(map: ConnectionMap, flow: ReturnFlow, slot: number, length: number, nowMs: number): void {
  const state = map.stateOf(slot);
  if (flow.protocol === IpProtocol.udp) {
    if (state === ConnectionState.halfOpen) map.setState(slot, ConnectionState.established);
  } else if (state !== ConnectionState.closing && ends(map, flow, slot)) {
    map.setState(slot, ConnectionState.closing);
  }
  map.touch(slot, length, nowMs);
}

function ends(map: ConnectionMap, flow: ReturnFlow, slot: number): boolean {
  if ((flow.tcpFlags & TcpFlag.rst) !== 0) return true;
  return (flow.tcpFlags & TcpFlag.fin) !== 0 && map.noteFin(slot, FinBit.server);
}
