import { IpProtocol, TcpFlag } from 'libnetraw/wire';
import type { ConnectionMap } from './connectionMap.js';
import { ConnectionState, keyPorts, keyTag } from './connectionRecord.js';
import { Counter } from './counters.js';
import type { FlowReader } from './flowReader.js';
import type { EnterResult } from './options.js';
import type { ServerTable } from './servers.js';
import type { Service, ServiceTree } from './serviceTree.js';
import { DropReason } from './verdicts.js';

/** What a connection that a server reported is made of. Addresses are unsigned 32-bit numbers. */
export interface ReportedConnection {
  serverAddress: number;
  clusterAddress: number;
  clientAddress: number;
  clientPort: number;
  port: number;
  /** 6 or 17. */
  protocol: number;
  state: ConnectionState;
}

/**
 * Chooses servers: the connection's own if it has one, else the scheduler's. It knows the map, the services and the
 * servers, and nothing of frames, modes or holding.
 */
export class Router {
  /** The slot that the last successful choice names. */
  server = -1;

  private readonly tree: ServiceTree;
  private readonly map: ConnectionMap;
  private readonly servers: ServerTable;
  private readonly counters: Float64Array;

  constructor(tree: ServiceTree, map: ConnectionMap, servers: ServerTable, counters: Float64Array) {
    this.tree = tree;
    this.map = map;
    this.servers = servers;
    this.counters = counters;
  }

  /** Chooses for a TCP or UDP frame of `length` bytes: `none` and `server`, or why there is none. */
  route(flow: FlowReader, length: number, nowMs: number): DropReason {
    const slot = this.map.find(flow.clientKey, flow.portsKey, flow.tagKey);
    if (slot >= 0 && this.continueKnown(flow, slot, length, nowMs)) return DropReason.none;
    const service = this.tree.serviceOf(flow.cluster, flow.protocol, flow.port);
    if (service === undefined) return DropReason.noService;
    if (!opensConnection(flow)) return DropReason.unknownConnection;
    return this.open(flow, service, slot, length, nowMs);
  }

  /** Chooses for a frame only if its connection is known and goes on. */
  routeKnown(flow: FlowReader, length: number, nowMs: number): boolean {
    const slot = this.map.find(flow.clientKey, flow.portsKey, flow.tagKey);
    return slot >= 0 && this.continueKnown(flow, slot, length, nowMs);
  }

  /** Chooses who answers a ping: this node if it serves, so that the answer tells of the dispatcher itself. */
  routeEcho(): DropReason {
    const { servers } = this;
    if (servers.localSlot >= 0) this.server = servers.localSlot;
    else if (servers.eligibleCount > 0) this.server = servers.eligible[0];
    else return DropReason.noServer;
    return DropReason.none;
  }

  /** Enters a connection that a server reported. */
  enter(report: ReportedConnection, nowMs: number): EnterResult {
    const { clientAddress, clientPort, port, protocol, state } = report;
    if (!isPort(clientPort) || !isPort(port) || clientAddress >>> 0 !== clientAddress) return 'invalid';
    const cluster = this.tree.clusterOf(report.clusterAddress);
    if (cluster === undefined) return 'noService';
    if (this.tree.serviceOf(cluster, protocol, port) === undefined) return 'noService';
    const server = this.servers.slotOf(report.serverAddress);
    if (server < 0) return 'noServer';
    const ports = keyPorts(clientPort, port);
    const tag = keyTag(cluster.index, protocol);
    const known = this.map.find(clientAddress | 0, ports, tag);
    if (known >= 0) return this.reconcile(known, server, state, nowMs);
    if (this.map.insert(clientAddress | 0, ports, tag, server, state, nowMs) < 0) return 'full';
    this.counters[Counter.entered]++;
    return 'entered';
  }

  /**
   * A report about a tuple that is in the map. What was seen here counts for more than what others say, but for one case:
   * the tuple is half-open, because the client repeated its SYN to the new dispatcher, while the reporting server has
   * already come further with it. What is itself from a report, no packet seen, yields to a newer one: between the two
   * questions of a takeover the client may have used the tuple again, and the dispatcher of that time chosen otherwise.
   * And what was seen here of a server that is gone is over: another dispatcher has given the tuple away since (simulator,
   * seed 20000424).
   */
  private reconcile(slot: number, server: number, state: ConnectionState, nowMs: number): EnterResult {
    const { map } = this;
    const present = map.stateOf(slot);
    const sameServer = map.serverOf(slot) === server;
    const gone = this.servers.isGone(map.serverOf(slot), nowMs);
    const hearsay = (gone || map.packetsOf(slot) === 0) && state !== ConnectionState.closing;
    if (
      state === ConnectionState.halfOpen ||
      (present !== ConnectionState.halfOpen && (sameServer || !hearsay))
    ) {
      return 'known';
    }
    if (sameServer) {
      map.setState(slot, state);
      return 'known';
    }
    map.restart(slot, server, state, nowMs);
    return 'moved';
  }

  /**
   * Goes on with a known connection: notes the packet, follows the state, names the server. False when the frame begins
   * the tuple anew: a SYN on a closing connection; a SYN or a datagram whose server is gone, because in direct return its
   * FIN or RST was never seen. A SYN on a living connection goes to its server, which knows best what it means, and does
   * not change the state: else a forged one would make an established connection evictable.
   */
  private continueKnown(flow: FlowReader, slot: number, length: number, nowMs: number): boolean {
    const { map } = this;
    const server = map.serverOf(slot);
    const state = map.stateOf(slot);
    if (opensConnection(flow)) {
      if (state === ConnectionState.closing || this.servers.isGone(server, nowMs)) return false;
    } else if ((flow.tcpFlags & (TcpFlag.fin | TcpFlag.rst)) !== 0) {
      if (state !== ConnectionState.closing) map.setState(slot, ConnectionState.closing);
    } else if (state === ConnectionState.halfOpen && (flow.tcpFlags & TcpFlag.syn) === 0) {
      map.setState(slot, ConnectionState.established);
    }
    map.touch(slot, length, nowMs);
    this.server = server;
    return true;
  }

  /** Gives a new connection, or a known tuple that begins anew in `slot`, to the scheduler's choice. */
  private open(flow: FlowReader, service: Service, known: number, length: number, nowMs: number): DropReason {
    const { map } = this;
    const server = service.scheduler.choose(this.servers, flow.clientKey >>> 0);
    if (server < 0) return DropReason.noServer;
    const state = flow.protocol === IpProtocol.udp ? ConnectionState.established : ConnectionState.halfOpen;
    let slot = known;
    if (slot >= 0) {
      map.restart(slot, server, state, nowMs);
      this.counters[Counter.restarted]++;
    } else {
      slot = map.insert(flow.clientKey, flow.portsKey, flow.tagKey, server, state, nowMs);
      if (slot < 0) return DropReason.mapFull;
      this.counters[Counter.scheduled]++;
    }
    map.touch(slot, length, nowMs);
    this.server = server;
    return DropReason.none;
  }
}

/** Whether a frame may open a connection: a SYN without ACK, or any datagram. */
function opensConnection(flow: FlowReader): boolean {
  if (flow.protocol === IpProtocol.udp) return true;
  return (flow.tcpFlags & (TcpFlag.syn | TcpFlag.ack)) === TcpFlag.syn;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 0xffff;
}
