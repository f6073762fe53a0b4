/** Where people and programs look at a running node: the control socket, its history and metrics, the dashboard. */
import { readFileSync } from 'node:fs';
import type { NodeConfig } from '../config/index.js';
import type { StatusDocument } from '../control/index.js';
import type { ControlProviders } from '../control/routes.js';
import { startControlServer } from '../control/server.js';
import { startDashboard } from '../dashboard/dashboardServer.js';
import { History, SAMPLE_INTERVAL_MS } from '../history/history.js';
import type { Logger } from '../logging.js';
import { Metrics } from '../metrics/metrics.js';
import { monotonicMs } from '../dataplane/index.js';
import { connectionsDocument } from './connectionsDocument.js';
import { dispatchClusters } from './describe.js';
import { explainPackets } from './explainDocument.js';
import { StartProblem } from './problem.js';
import type { Deciding } from './runNode.js';
import type { Shells } from './shells.js';
import { statusDocument } from './statusDocument.js';
import type { Unwinding } from './unwinding.js';
import { VERSION } from './version.js';

export interface ControlParts {
  readonly unwinding: Unwinding;
  readonly logger: Logger;
}

/** Rejects with a {@link StartProblem}. */
export async function openControl(
  config: NodeConfig,
  shells: Shells,
  deciding: Deciding,
  { unwinding, logger }: ControlParts,
): Promise<void> {
  const status = (): StatusDocument => statusOf(config, shells, deciding);
  const history = new History();
  const sampling = setInterval(() => history.take(status(), Date.now(), monotonicMs()), SAMPLE_INTERVAL_MS);
  unwinding.push('ending the history', () => clearInterval(sampling));
  const { dataPlane } = shells;
  const { driver, operation, events } = deciding;
  const providers: ControlProviders = {
    events,
    history,
    status,
    metrics: new Metrics(VERSION, status),
    connections: async (limit) =>
      connectionsDocument(await dataPlane.snapshot(limit), dataPlane.stats().connections.total),
    order: (request) => operation.order(request),
    explain: (request) =>
      explainPackets(request, { state: driver.state, dataPlane, clusters: dispatchClusters(config) }),
  };
  const control = await startControlServer(config.control.socket, providers);
  if (!control.ok) throw new StartProblem('control', control.problem.message);
  unwinding.push('closing the control socket', () => control.value.close());
  await openDashboard(config, providers, { unwinding, logger });
}

function statusOf(
  config: NodeConfig,
  { dataPlane, inventory, socket }: Shells,
  { driver, rebuild, operation, health, fixedServers, balancing }: Deciding,
): StatusDocument {
  return statusDocument({
    state: driver.state,
    stats: dataPlane.stats(),
    maxConnections: config.maxConnections,
    rebuild: rebuild.progress(),
    ringDrops: driver.drops,
    inventoryRefused: inventory.refused,
    socket: socket.counters,
    operation,
    health: health.status(),
    fixedServers: fixedServers.status(),
    balancing,
  });
}

async function openDashboard(
  { dashboard }: NodeConfig,
  providers: ControlProviders,
  { unwinding, logger }: ControlParts,
): Promise<void> {
  if (dashboard === undefined) return;
  const { listen, tokenFile, allowChanges } = dashboard;
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[|\]$/g, '');
  const problem = (why: string): StartProblem => new StartProblem('dashboard', `dashboard: ${why}`);
  let token: string | undefined;
  try {
    token = tokenFile === undefined ? undefined : readFileSync(tokenFile, 'utf8').trim();
  } catch (error) {
    throw problem(`its token cannot be read: ${(error as Error).message}`);
  }
  if (token === '') throw problem(`${tokenFile} is empty; put a long random text into it`);
  try {
    const server = await startDashboard({
      ...{ host, port: Number(listen.slice(at + 1)), allowChanges, providers },
      ...(token !== undefined && { token }),
    });
    unwinding.push('closing the dashboard', () => server.close());
    logger.info('dashboard open', { at: `http://${listen}/`, token: token !== undefined, allowChanges });
  } catch (error) {
    throw problem(`cannot listen at ${listen}: ${(error as Error).message}`);
  }
}
