import { IpProtocol, TcpFlag } from 'libnetraw/wire';
import { Counter } from './counters.js';
import { type Flow, FlowKind } from './flow/flow.js';
import type { ConnectionMap } from './map/connectionMap.js';
import type { ConnectionMaps } from './map/connectionMaps.js';
import { ConnectionState, FinBit } from './map/connectionRecord.js';
import type { ServerTable } from './servers.js';
import type { Service } from './service.js';
import type { ServiceTree } from './serviceTree.js';
import { DropReason } from './verdicts.js';

/**
 * A UDP client that still sends so long after its first datagram has come to stay. Short exchanges never do, and a flood
 * from invented addresses does not either.
 */
export const UDP_CONFIRMED_AFTER_MS = 1000;

/**
 * Chooses servers: the connection's own if it has one, else the scheduler's. It knows the map, the services and the
 * servers, and nothing of frames, modes or holding.
 */
export class Router {
  /** The slot of the server that the last successful choice names. */
  server = -1;
  /** The slot of its connection in the map of its family; -1 where none is kept. */
  slot = -1;

  private readonly tree: ServiceTree;
  private readonly maps: ConnectionMaps;
  private readonly servers: ServerTable;
  private readonly counters: Float64Array;

  constructor(tree: ServiceTree, maps: ConnectionMaps, servers: ServerTable, counters: Float64Array) {
    this.tree = tree;
    this.maps = maps;
    this.servers = servers;
    this.counters = counters;
  }

  /** Chooses for a TCP or UDP frame of `length` bytes: `none` and `server`, or why there is none. */
  route(flow: Flow, length: number, nowMs: number): DropReason {
    const map = this.maps.of(flow.cluster.family);
    const slot = map.find(flow.key);
    if (slot >= 0 && this.continueKnown(map, flow, slot, length, nowMs)) return DropReason.none;
    this.slot = -1;
    const service = this.tree.serviceOf(flow.cluster, flow.protocol, flow.port);
    if (service === undefined) return DropReason.noService;
    if (service.isStateless) return this.chooseByHash(flow, service);
    if (!opensConnection(flow)) return DropReason.unknownConnection;
    return this.open(map, flow, service, slot, length, nowMs);
  }

  /**
   * Chooses for an ICMP error: the server of the connection that it quotes. It is no sign of life, so nothing is noted.
   */
  routeError(flow: Flow): DropReason {
    const map = this.maps.of(flow.cluster.family);
    const slot = map.find(flow.key);
    this.slot = slot;
    if (slot >= 0) {
      this.server = map.serverOf(slot);
      return DropReason.none;
    }
    const service = this.tree.serviceOf(flow.cluster, flow.protocol, flow.port);
    if (service === undefined) return DropReason.noService;
    return service.isStateless ? this.chooseByHash(flow, service) : DropReason.unknownConnection;
  }

  /** Chooses for a frame only if its connection is known and goes on. */
  routeKnown(flow: Flow, length: number, nowMs: number): boolean {
    if (flow.kind === FlowKind.error) return this.routeError(flow) === DropReason.none;
    const map = this.maps.of(flow.cluster.family);
    const slot = map.find(flow.key);
    return slot >= 0 && this.continueKnown(map, flow, slot, length, nowMs);
  }

  /** Chooses who answers a ping: this node if it serves, so that the answer tells of the dispatcher itself. */
  routeEcho(): DropReason {
    const { servers } = this;
    if (servers.localSlot >= 0) this.server = servers.localSlot;
    else if (servers.eligibleCount > 0) this.server = servers.eligible[0];
    else return DropReason.noServer;
    return DropReason.none;
  }

  /**
   * Goes on with a known connection: notes the packet, follows the state, names the server. False when the frame begins
   * the tuple anew: a SYN on a closing connection; a SYN or a datagram whose server is gone, because in direct return its
   * FIN or RST was never seen. A SYN on a living connection goes to its server, which knows best what it means, and does
   * not change the state: else a forged one would make an established connection evictable.
   */
  private continueKnown(
    map: ConnectionMap,
    flow: Flow,
    slot: number,
    length: number,
    nowMs: number,
  ): boolean {
    if (flow.protocol === IpProtocol.udp) return this.continueUdp(map, slot, length, nowMs);
    const server = map.serverOf(slot);
    const state = map.stateOf(slot);
    if (opensConnection(flow)) {
      if (state === ConnectionState.closing || this.servers.isGone(server, nowMs)) return false;
    } else if (this.ends(map, flow, slot)) {
      if (state !== ConnectionState.closing) map.setState(slot, ConnectionState.closing);
    } else if (state === ConnectionState.halfOpen && (flow.tcpFlags & TcpFlag.syn) === 0) {
      map.setState(slot, ConnectionState.established);
    }
    map.touch(slot, length, nowMs);
    this.server = server;
    this.slot = slot;
    return true;
  }

  /** Whether the client's frame ends its connection. Only in L4/3 is it known whether the server has ended its half, too. */
  private ends(map: ConnectionMap, flow: Flow, slot: number): boolean {
    if ((flow.tcpFlags & TcpFlag.rst) !== 0) return true;
    if ((flow.tcpFlags & TcpFlag.fin) === 0) return false;
    return flow.cluster.gateway === undefined || map.noteFin(slot, FinBit.client);
  }

  /** What `continueKnown` does, for a datagram, any of which opens. Half-open entries keep the time of their first one, to be measured by it. */
  private continueUdp(map: ConnectionMap, slot: number, length: number, nowMs: number): boolean {
    const server = map.serverOf(slot);
    const state = map.stateOf(slot);
    if (state === ConnectionState.closing || this.servers.isGone(server, nowMs)) return false;
    this.server = server;
    this.slot = slot;
    if (state === ConnectionState.halfOpen) {
      if (((nowMs - map.lastSeenOf(slot)) | 0) < UDP_CONFIRMED_AFTER_MS) {
        map.count(slot, length);
        return true;
      }
      map.setState(slot, ConnectionState.established);
    }
    map.touch(slot, length, nowMs);
    return true;
  }

  /** Chooses where nothing is remembered: the scheduler gives the same client the same server. */
  private chooseByHash(flow: Flow, service: Service): DropReason {
    this.server = service.choose(flow.clientNumber);
    return this.server < 0 ? DropReason.noServer : DropReason.none;
  }

  /** Gives a new connection, or a known tuple that begins anew in `slot`, to the scheduler's choice. */
  private open(
    map: ConnectionMap,
    flow: Flow,
    service: Service,
    known: number,
    length: number,
    nowMs: number,
  ): DropReason {
    const server = service.open(flow.key, flow.cluster.family, flow.clientNumber, nowMs);
    if (server < 0) return DropReason.noServer;
    const state = ConnectionState.halfOpen;
    let slot = known;
    if (slot >= 0) {
      map.restart(slot, server, state, nowMs);
      this.counters[Counter.restarted]++;
    } else {
      slot = map.insert(flow.key, server, state, nowMs);
      if (slot < 0) return DropReason.mapFull;
      this.counters[Counter.scheduled]++;
    }
    map.touch(slot, length, nowMs);
    this.server = server;
    this.slot = slot;
    return DropReason.none;
  }
}

/** Whether a frame may open a connection: a SYN without ACK, or any datagram. */
function opensConnection(flow: Flow): boolean {
  if (flow.protocol === IpProtocol.udp) return true;
  return (flow.tcpFlags & (TcpFlag.syn | TcpFlag.ack)) === TcpFlag.syn;
}
