import { type IpAddress, IPV6_ADDRESS_BYTES, isIpAddress, writeIp } from 'libnetraw/wire';
import { Counter } from './counters.js';
import { ConnectionKey, keyPorts, keyTag } from './map/connectionKey.js';
import type { ConnectionMap } from './map/connectionMap.js';
import type { ConnectionMaps } from './map/connectionMaps.js';
import { ConnectionState } from './map/connectionRecord.js';
import type { EnterResult, ReportedConnection } from './options.js';
import type { ServerTable } from './servers.js';
import type { Cluster } from './cluster.js';
import type { ServiceTree, TranslatedService } from './serviceTree.js';

/** Enters into the map what servers report of their connections. */
export class Reports {
  private readonly tree: ServiceTree;
  private readonly maps: ConnectionMaps;
  private readonly servers: ServerTable;
  private readonly counters: Float64Array;
  private readonly key = new ConnectionKey();
  private readonly local = new Uint8Array(IPV6_ADDRESS_BYTES);

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
    const server = this.servers.slotOf(report.serverAddress);
    const found = this.serviceOf(report, server);
    if (found === undefined) return 'noService';
    if (server < 0) return 'noServer';
    const { cluster, service } = found;
    if (!this.setKey(cluster, clientAddress, keyPorts(clientPort, service.port), protocol)) return 'invalid';
    // Nobody would look it up.
    if (service.isStateless) return 'known';
    if (state !== ConnectionState.closing) service.learn(this.key, cluster.family, server, nowMs);
    const map = this.maps.of(cluster.family);
    const known = map.find(this.key);
    if (known >= 0) return this.reconcile(map, known, server, state, nowMs);
    if (map.insert(this.key, server, state, nowMs) < 0) return 'full';
    this.counters[Counter.entered]++;
    return 'entered';
  }

  /**
   * The service that a connection is of. In L4/3 the server's kernel knows nothing of the cluster: its own address and the
   * target port tell. What it has at other addresses of its own is no connection of a cluster.
   */
  private serviceOf(report: ReportedConnection, server: number): TranslatedService | undefined {
    const { clusterAddress: local, protocol, port } = report;
    const cluster = this.tree.clusterAt(local);
    if (cluster !== undefined) {
      if (cluster.gateway !== undefined) return undefined;
      const service = this.tree.serviceOf(cluster, protocol, port);
      return service && { cluster, service };
    }
    if (!isIpAddress(local)) return undefined;
    const family = typeof local === 'number' ? 4 : 6;
    const found = this.tree.translatedService(family, protocol, port);
    if (found === undefined || server < 0) return found;
    writeIp(this.local, 0, local);
    return this.servers.hasAddress(server, family, this.local, 0) ? found : undefined;
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
    key.readClient6(client, 0);
    return cluster.family === 6;
  }

  /**
   * A report about a tuple that is in the map. What was seen here counts for more than what others say, but for one case:
   * the tuple is half-open, because the client repeated its SYN to the new dispatcher, while the reporting server has
   * already come further with it. What is itself from a report, no packet seen, yields to a newer one: between the two
   * questions of a takeover the client may have used the tuple again, and the dispatcher of that time chosen otherwise.
   * And what was seen here of a server that is gone is over: another dispatcher has given the tuple away since (simulator,
   * seed 20000424).
   */
  private reconcile(
    map: ConnectionMap,
    slot: number,
    server: number,
    state: ConnectionState,
    nowMs: number,
  ): EnterResult {
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
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 0xffff;
}
