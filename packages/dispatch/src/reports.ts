import { type IpAddress, isIpAddress, readI32 } from 'libnetraw/wire';
import { Counter } from './counters.js';
import { ConnectionKey, keyPorts, keyTag } from './map/connectionKey.js';
import type { ConnectionMap } from './map/connectionMap.js';
import type { ConnectionMaps } from './map/connectionMaps.js';
import { ConnectionState } from './map/connectionRecord.js';
import type { EnterResult, ReportedConnection } from './options.js';
import type { ServerTable } from './servers.js';
import type { Cluster, ServiceTree } from './serviceTree.js';

/** Enters into the map what servers report of their connections. */
export class Reports {
  private readonly tree: ServiceTree;
  private readonly maps: ConnectionMaps;
  private readonly servers: ServerTable;
  private readonly counters: Float64Array;
  private readonly key = new ConnectionKey();

  constructor(tree: ServiceTree, maps: ConnectionMaps, servers: ServerTable, counters: Float64Array) {
    this.tree = tree;
    this.maps = maps;
    this.servers = servers;
    this.counters = counters;
  }

  /** Enters a connection that a server reported. */
  enter(report: ReportedConnection, nowMs: number): EnterResult {
    const { clientAddress, clientPort, port, protocol, state } = report;
    if (!isPort(clientPort) || !isPort(port) || !isIpAddress(clientAddress)) return 'invalid';
    const cluster = this.tree.clusterAt(report.clusterAddress);
    if (cluster === undefined) return 'noService';
    const service = this.tree.serviceOf(cluster, protocol, port);
    if (service === undefined) return 'noService';
    const server = this.servers.slotOf(report.serverAddress);
    if (server < 0) return 'noServer';
    if (!this.setKey(cluster, clientAddress, keyPorts(clientPort, port), protocol)) return 'invalid';
    // Nobody would look it up.
    if (service.isStateless) return 'known';
    if (state !== ConnectionState.closing) service.learn(this.key, cluster.family, server, nowMs);
    const map = this.maps.of(cluster.family);
    const known = map.find(this.key);
    if (known >= 0) return reconcile(map, known, server, state, nowMs);
    if (map.insert(this.key, server, state, nowMs) < 0) return 'full';
    this.counters[Counter.entered]++;
    return 'entered';
  }

  /** False when client and cluster are not of one family. */
  private setKey(cluster: Cluster, client: IpAddress, ports: number, protocol: number): boolean {
    const { key } = this;
    key.ports = ports;
    key.tag = keyTag(cluster.index, protocol);
    if (typeof client === 'number') {
      key.setClient4(client);
      return cluster.family === 4;
    }
    key.setClient6(readI32(client, 0), readI32(client, 4), readI32(client, 8), readI32(client, 12));
    return cluster.family === 6;
  }
}

/**
 * A report about a tuple that is in the map. What was seen here counts for more than what others say, but for one case:
 * the tuple is half-open, because the client repeated its SYN to the new dispatcher, while the reporting server has
 * already come further with it. What is itself from a report, no packet seen, yields to a newer one: between the two
 * questions of a takeover the client may have used the tuple again, and the dispatcher of that time chosen otherwise.
 */
function reconcile(
  map: ConnectionMap,
  slot: number,
  server: number,
  state: ConnectionState,
  nowMs: number,
): EnterResult {
  const present = map.stateOf(slot);
  const sameServer = map.serverOf(slot) === server;
  const hearsay = map.packetsOf(slot) === 0 && state !== ConnectionState.closing;
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

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 0xffff;
}
