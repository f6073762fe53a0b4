import { createSocket, type Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import { serverName } from '@ringmaster/dispatch';
import { formatMac } from 'libnetraw/wire';
import { canonicalAddress } from '../config/address.js';
import type { HealthConfig, NodeConfig } from '../config/index.js';
import type { FixedServerStatus } from '../control/index.js';
import type { ServerInfo } from '../dataplane/index.js';
import { HealthMonitor } from '../health/healthMonitor.js';
import { ipAddress } from '../host/clusterAddress.js';
import type { HostNeighbour } from '../host/index.js';
import type { Logger } from '../logging.js';

/** How often the kernel's table of neighbours is looked at. */
const LOOK_MS = 1000;
/** A server whose MAC is known is asked for again after so many looks, or the kernel would never notice its end. */
const ASK_EVERY = 5;
/** A server that nobody has answered for at so many looks in a row is not there. */
const MISSING_LOOKS = 3;
/** RFC 863: what comes there is thrown away. Sending something makes the kernel find out the MAC, whatever the answer. */
const DISCARD_PORT = 9;
const UNKNOWN_MAC = new Uint8Array(6);

export interface FixedServerDependencies {
  /** What the kernel knows of other hosts on the node's interface. */
  readonly neighbours: () => readonly HostNeighbour[];
  /** Makes the kernel look for the MAC of an address. Default: a datagram. */
  readonly ask?: (address: string) => void;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Something that `table` shows has changed. */
  readonly onChange: () => void;
}

interface FixedServer {
  readonly address: string;
  weight: number;
  checks: readonly HealthConfig[];
  monitor?: HealthMonitor;
  /** Last known. */
  mac: Uint8Array | undefined;
  /** How many looks in a row have not found its MAC. */
  missing: number;
  healthy: boolean;
  why: string;
}

/** A check of this node's own service, turned to the same service of another host. */
export function checkAt(health: HealthConfig, address: string, port: number): HealthConfig {
  const host = isIPv6(address) ? `[${address}]` : address;
  if (health.http === undefined) return { ...health, tcp: `${host}:${port}` };
  const url = new URL(health.http);
  url.hostname = host;
  url.port = String(port);
  return { ...health, http: url.href };
}

function serversOf({ clusters }: NodeConfig): FixedServer[] {
  const servers = new Map<string, FixedServer & { checks: HealthConfig[] }>();
  for (const { port, targetPort = port, servers: written = [], health } of clusters.flatMap(
    ({ ports }) => ports,
  )) {
    for (const { address: text, weight } of written) {
      const address = canonicalAddress(text) ?? text;
      const server = servers.get(address) ?? {
        ...{ address, weight, checks: [], mac: undefined, missing: 0, healthy: true, why: '' },
      };
      servers.set(address, server);
      if (health !== undefined) server.checks.push(checkAt(health, address, targetPort));
    }
  }
  return [...servers.values()];
}

/**
 * The servers outside the ring (L4/3). Nobody reports for them, so every node that may dispatch checks them itself, and
 * learns their MACs from its kernel: whoever takes over knows them already.
 */
export class FixedServers {
  private servers: readonly FixedServer[];
  private readonly deps: FixedServerDependencies;
  private readonly ask: (address: string) => void;
  private readonly sockets = new Map<'udp4' | 'udp6', Socket>();
  private timer: NodeJS.Timeout | undefined;
  private looks = 0;

  constructor(config: NodeConfig, dependencies: FixedServerDependencies) {
    this.deps = dependencies;
    this.servers = config.capabilities.includes('dispatch') ? serversOf(config) : [];
    this.ask = dependencies.ask ?? ((address) => this.sendDatagram(address));
  }

  start(): void {
    if (this.servers.length === 0) return;
    for (const server of this.servers) this.watch(server);
    this.look();
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** Looks after those of another configuration from now on; what is known of servers that stay is kept. */
  reconfigure(config: NodeConfig): void {
    const before = new Map(this.servers.map((server) => [server.address, server]));
    this.servers = (config.capabilities.includes('dispatch') ? serversOf(config) : []).map((wanted) => {
      const server = before.get(wanted.address);
      if (server === undefined) return wanted;
      before.delete(wanted.address);
      server.weight = wanted.weight;
      server.checks = wanted.checks;
      return server;
    });
    for (const { monitor } of before.values()) monitor?.close();
    clearInterval(this.timer);
    this.start();
  }

  close(): void {
    clearInterval(this.timer);
    for (const { monitor } of this.servers) monitor?.close();
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
  }

  /** As the dispatcher needs them. */
  table(): ServerInfo[] {
    return this.servers.map((server) => {
      const address = ipAddress(server.address);
      return {
        address: serverName(address),
        ...(typeof address !== 'number' && { address6: address }),
        mac: server.mac ?? UNKNOWN_MAC,
        weight: server.weight,
        active: isActive(server),
        local: false,
        fixed: true,
      };
    });
  }

  status(): FixedServerStatus[] {
    return this.servers.map((server) => ({
      address: server.address,
      mac: server.mac === undefined ? null : formatMac(server.mac),
      active: isActive(server),
      why: isActive(server) ? null : server.why,
    }));
  }

  /** Looks at the kernel's neighbours, and asks for those that are missing. */
  look(): void {
    const known = new Map(this.deps.neighbours().map((neighbour) => [neighbour.address, neighbour]));
    let changed = false;
    for (const server of this.servers) {
      if (this.noteNeighbour(server, known.get(server.address))) changed = true;
      const isDue = server.checks.length === 0 && this.looks % ASK_EVERY === 0;
      if (server.missing > 0 || isDue) this.ask(server.address);
    }
    this.looks++;
    if (changed) this.deps.onChange();
  }

  private watch(server: FixedServer): void {
    const { checks } = server;
    if (server.monitor !== undefined) return server.monitor.reconfigure(checks);
    if (checks.length === 0) return;
    server.monitor = new HealthMonitor(checks, (state, why) =>
      this.noteHealth(server, state === 'good', why),
    );
    server.monitor.start();
  }

  private noteNeighbour(server: FixedServer, neighbour: HostNeighbour | undefined): boolean {
    const before = isActive(server);
    const mac = neighbour?.state === 'failed' ? undefined : neighbour?.mac;
    server.missing = mac === undefined ? server.missing + 1 : 0;
    const moved = mac !== undefined && (server.mac === undefined || Buffer.compare(mac, server.mac) !== 0);
    if (moved) server.mac = mac;
    if (server.checks.length === 0) server.why = `nobody on the LAN says that it is ${server.address}`;
    this.tell(server, before);
    return moved || before !== isActive(server);
  }

  private noteHealth(server: FixedServer, healthy: boolean, why: string): void {
    const before = isActive(server);
    server.healthy = healthy;
    server.why = why;
    this.tell(server, before);
    this.deps.onChange();
  }

  private tell(server: FixedServer, before: boolean): void {
    const { address, why } = server;
    if (before === isActive(server)) return;
    if (before)
      this.deps.logger.warn('a server outside the ring fails: no connections for it', { address, why });
    else this.deps.logger.info('a server outside the ring is well again', { address });
  }

  private sendDatagram(address: string): void {
    const kind = isIPv4(address) ? 'udp4' : 'udp6';
    let socket = this.sockets.get(kind);
    if (socket === undefined) {
      socket = createSocket(kind);
      socket.on('error', () => undefined); // refusals are no news: the neighbour table says what is the case
      socket.unref();
      this.sockets.set(kind, socket);
    }
    socket.send(new Uint8Array(0), DISCARD_PORT, address, () => undefined);
  }
}

function isActive({ checks, healthy, missing }: FixedServer): boolean {
  return checks.length > 0 ? healthy : missing < MISSING_LOOKS;
}
