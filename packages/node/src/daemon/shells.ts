import { EthernetSocket, UdpSocket, type RingSocket } from '@ringmaster/transport';
import { Announcer, announcementsOf, type Announcements } from '../announcer.js';
import type { NodeConfig } from '../config/index.js';
import { loadKeys } from '../config/index.js';
import { startDataPlane, type DataPlane } from '../dataplane/index.js';
import { ipv4Number } from '../host/clusterAddress.js';
import type { HostInterface, PreparedHost } from '../host/index.js';
import { hostClusters, journalPath, kernelNetwork, prepareHost } from '../host/index.js';
import { startInventoryServer, type InventoryServer } from '../inventory/index.js';
import type { Logger } from '../logging.js';
import { ClusterKeys } from './clusterKeys.js';
import { dispatchClusters, inventoryData } from './describe.js';
import { withHighDescriptor } from './highDescriptor.js';
import { frameProblem, portProblem, StartProblem } from './problem.js';
import type { Unwinding } from './unwinding.js';
import { keepHost } from './upkeep.js';

/** Everything of a node that touches the world, except the ring's protocol and the control socket. */
export interface Shells {
  /** Absent in an insecure ring. */
  readonly keys: ClusterKeys | undefined;
  readonly host: HostInterface;
  readonly changeHost: PreparedHost['change'];
  readonly socket: RingSocket;
  readonly inventory: InventoryServer;
  readonly dataPlane: DataPlane;
  readonly announcer: Announcer;
  /** Of the interface to the clients. */
  readonly announcedMac: Uint8Array;
}

export interface ShellOptions {
  readonly config: NodeConfig;
  readonly logger: Logger;
  readonly unwinding: Unwinding;
  readonly onFatal: (message: string) => void;
}

/**
 * Opens them one after another, the ring socket last (see `withHighDescriptor`); what is open is on the unwinding.
 * Rejects with a {@link StartProblem}.
 */
export async function openShells(options: ShellOptions): Promise<Shells> {
  const { config, unwinding } = options;
  const keys = readKeys(options);
  const prepared = await takeOnHost(options);
  const { interface: host } = prepared;
  const inventory = await openInventory(options, host, keys);
  unwinding.push('closing the inventory', () => inventory.close());
  const dataPlane = await openDataPlane(options);
  unwinding.push('closing the data plane', () => dataPlane.close());
  const announcedMac = prepared.outside?.mac ?? host.mac;
  const announcer = new Announcer(announcements(config, announcedMac), (why) =>
    options.logger.warn('a cluster address could not be announced; trying again', { why }),
  );
  unwinding.push('closing the announcer', () => announcer.close());
  const socket = await openRingSocket(options, host);
  unwinding.push('closing the ring socket', () => socket.close());
  return {
    keys: keys && new ClusterKeys(keys),
    host,
    changeHost: (clusters) => prepared.change(clusters),
    socket,
    inventory,
    dataPlane,
    announcer,
    announcedMac,
  };
}

/** What is said of where the addresses of a configuration live. */
export const announcements = (config: NodeConfig, ownMac: Uint8Array): Announcements[] =>
  announcementsOf(dispatchClusters(config), config.interface, config.outside?.interface, ownMac);

function readKeys({ config, logger }: ShellOptions): readonly Uint8Array[] | undefined {
  if (config.ring.insecure) {
    logger.warn('the ring is insecure: everybody on the LAN can join it; set ring.keyFile');
    return undefined;
  }
  const loaded = loadKeys(config.ring.keyFiles);
  if (!loaded.ok) throw new StartProblem('keys', loaded.problems.map((p) => p.message).join('; '));
  for (const warning of loaded.value.warnings) logger.warn(warning);
  return loaded.value.keys;
}

async function takeOnHost({ config, logger, unwinding }: ShellOptions): Promise<PreparedHost> {
  const prepared = await prepareHost({
    network: kernelNetwork,
    interface: config.interface,
    ...(config.address !== undefined && { address: config.address }),
    ...(config.address6 !== undefined && { address6: config.address6 }),
    ...(config.outside !== undefined && { outside: config.outside.interface }),
    clusters: hostClusters(config),
    journal: journalPath(config.control.socket),
  });
  if (!prepared.ok) throw new StartProblem('host', prepared.problem.message);
  const host = prepared.value;
  const { recovered } = host;
  if (recovered.undone > 0)
    logger.warn('took back what a crashed node had left', { changes: recovered.undone });
  for (const warning of recovered.warnings) logger.warn(warning);
  // In the last moment of the process as well, however it comes to its end.
  const atExit = (): void => void host.restore();
  process.once('exit', atExit);
  unwinding.push('restoring the host', () => {
    process.off('exit', atExit);
    for (const warning of host.restore().warnings) logger.warn(warning);
  });
  unwinding.push('ending the upkeep of the host', keepHost(host, logger));
  return host;
}

function openInventory(
  { config, logger }: ShellOptions,
  host: HostInterface,
  keys: readonly Uint8Array[] | undefined,
): Promise<InventoryServer> {
  const onFailure = (why: string): unknown =>
    logger.error('the connection list could not be given out', { why });
  return startInventoryServer(inventoryData(config, host, keys), onFailure).catch((error: unknown) => {
    throw portProblem(error, 'TCP', config.ring.port);
  });
}

function openRingSocket(options: ShellOptions, host: HostInterface): Promise<RingSocket> {
  const { ring } = options.config;
  return ring.transport === 'ethernet' ? openFrames(options, host) : openDatagrams(ring.port, host);
}

function openDatagrams(port: number, host: HostInterface): Promise<RingSocket> {
  const options = { port, broadcast: ipv4Number(host.broadcast) };
  return withHighDescriptor(() => UdpSocket.open(options)).catch((error: unknown) => {
    throw portProblem(error, 'UDP', port);
  });
}

function openFrames({ onFatal }: ShellOptions, { name, mac }: HostInterface): Promise<RingSocket> {
  const onFailure = (why: string): void => onFatal(`the ring has failed: ${why}`);
  return EthernetSocket.open({ interface: name, mac, onFailure }).catch((error: unknown) => {
    throw frameProblem(error, name);
  });
}

async function openDataPlane({ config, logger, onFatal }: ShellOptions): Promise<DataPlane> {
  const { interface: name, outside, maxConnections, workers } = config;
  const options = {
    interface: name,
    ...(outside && { outside: outside.interface }),
    clusters: dispatchClusters(config),
    maxConnections,
    workers,
  };
  const dataPlane = await startDataPlane(options).catch((error: unknown) => {
    throw new StartProblem('data-plane', (error as Error).message);
  });
  if (config.clusters.some(({ mode }) => mode === 'l4/3'))
    logger.info("packets of unknown next hop go by the host's own routing", { through: dataPlane.routesBy });
  dataPlane.onError((error) => {
    if (error.code === 'worker-failed') onFatal(`the data plane has failed: ${error.message}`);
    else logger.warn('data plane', { why: error.message });
  });
  return dataPlane;
}
