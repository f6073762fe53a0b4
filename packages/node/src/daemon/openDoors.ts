/** What a node offers over TCP, where its configuration wants it: control API, metrics, dashboard. */
import { readFileSync } from 'node:fs';
import { splitHostPort, type HostPort } from '../config/hostPort.js';
import type { NodeConfig } from '../config/index.js';
import type { ControlProviders } from '../control/routes.js';
import { startTcpControl, type TlsFiles } from '../control/tcpServer.js';
import { readTokenFile } from '../control/tokenFile.js';
import { startDnsServer } from '../dns/dnsServer.js';
import { startDashboard } from '../dashboard/dashboardServer.js';
import type { TcpServer } from '../http/boundedServer.js';
import { startMetricsServer } from '../metrics/metricsServer.js';
import type { ControlParts } from './openControl.js';
import { StartProblem } from './problem.js';

type Door = 'control' | 'metrics' | 'dashboard' | 'dns';

/** Rejects with a {@link StartProblem}. */
export async function openDoors(
  config: NodeConfig,
  providers: ControlProviders,
  /** Cluster addresses that somebody serves. */
  living: () => readonly string[],
  { unwinding, logger }: ControlParts,
): Promise<void> {
  const { control, metrics, dashboard, dns } = config;
  const open = async (
    door: Door,
    listen: string | undefined,
    start: (at: HostPort) => Promise<Pick<TcpServer, 'close'>>,
  ): Promise<void> => {
    if (listen === undefined) return;
    try {
      const server = await start(splitHostPort(listen));
      unwinding.push(`closing ${door}.listen`, () => server.close());
      logger.info(`${door} open over TCP`, { at: listen });
    } catch (error) {
      if (error instanceof StartProblem) throw error;
      throw new StartProblem(door, `${door}.listen: ${listen} cannot be opened: ${(error as Error).message}`);
    }
  };
  await open('control', control.listen, (at) => {
    const token = tokenOf('control', control.tokenFile);
    const tls = control.tls && readTls(control.tls);
    return startTcpControl({ ...at, providers, ...(token && { token }), ...(tls && { tls }) });
  });
  await open('metrics', metrics?.listen, (at) => startMetricsServer(at, providers.metrics));
  await open('dns', dns?.listen, (at) =>
    startDnsServer(at, () => ({ name: dns?.name ?? '', ttlS: dns?.ttlS ?? 0, addresses: living() })),
  );
  await open('dashboard', dashboard?.listen, (at) => {
    const token = tokenOf('dashboard', dashboard?.tokenFile);
    const allowChanges = dashboard?.allowChanges === true;
    return startDashboard({ ...at, allowChanges, providers, ...(token && { token }) });
  });
}

function tokenOf(door: Door, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const found = readTokenFile(file);
  if (found.ok) return found.token;
  throw new StartProblem(door, `${door}.tokenFile: ${found.message}`);
}

function readTls(files: NonNullable<NodeConfig['control']['tls']>): TlsFiles {
  const { certificate, key, clientCa } = files;
  return {
    certificate: read('control', 'control.tls.certificate', certificate),
    key: read('control', 'control.tls.key', key),
    ...(clientCa !== undefined && { clientCa: read('control', 'control.tls.clientCa', clientCa) }),
  };
}

function read(door: Door, key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartProblem(door, `${key}: ${file} cannot be read: ${(error as Error).message}`);
  }
}
