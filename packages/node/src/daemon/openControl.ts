/** Where people and programs look at a running node: the control socket, its history and metrics. */
import type { StatusDocument } from '../control/index.js';
import type { ControlProviders } from '../control/routes.js';
import { startControlServer } from '../control/server.js';
import { History, SAMPLE_INTERVAL_MS } from '../history/history.js';
import type { Logger } from '../logging.js';
import { Metrics } from '../metrics/metrics.js';
import { monotonicMs } from '../dataplane/index.js';
import { connectionsDocument } from './connectionsDocument.js';
import { dispatchClusters } from './describe.js';
import { explainPackets } from './explainDocument.js';
import type { LiveConfig, Reload } from './reload.js';
import { openDoors } from './openDoors.js';
import { StartProblem } from './problem.js';
import type { Deciding } from './runNode.js';
import type { Shells } from './shells.js';
import { statusDocument } from './statusDocument.js';
import type { Unwinding } from './unwinding.js';
import { VERSION } from '../version.js';

export interface ControlParts {
  readonly unwinding: Unwinding;
  readonly logger: Logger;
}

/** Rejects with a {@link StartProblem}. */
export async function openControl(
  live: LiveConfig,
  shells: Shells,
  deciding: Deciding & { readonly reload: Reload },
  { unwinding, logger }: ControlParts,
): Promise<void> {
  const config = live.current;
  const status = (): StatusDocument => statusOf(live, shells, deciding);
  const history = new History();
  const sampling = setInterval(() => history.take(status(), Date.now(), monotonicMs()), SAMPLE_INTERVAL_MS);
  const { dataPlane } = shells;
  const { driver, operation, events, reload } = deciding;
  const deafen = events.subscribe((event) => history.hear(event));
  unwinding.push('ending the history', () => {
    clearInterval(sampling);
    deafen();
  });
  const providers: ControlProviders = {
    events,
    history,
    status,
    metrics: new Metrics(VERSION, status),
    connections: async (limit) =>
      connectionsDocument(await dataPlane.snapshot(limit), dataPlane.stats().connections.total),
    order: (request) => operation.order(request),
    reload: (request) => reload.request(request),
    explain: (request) =>
      explainPackets(request, { state: driver.state, dataPlane, clusters: dispatchClusters(live.current) }),
  };
  const control = await startControlServer(config.control.socket, providers);
  if (!control.ok) throw new StartProblem('control', control.problem.message);
  unwinding.push('closing the control socket', () => control.value.close());
  await openDoors(config, providers, { unwinding, logger });
}

function statusOf(
  live: LiveConfig,
  { dataPlane, inventory, socket }: Shells,
  { driver, rebuild, operation, health, fixedServers, balancing, sharePercent }: Deciding,
): StatusDocument {
  return statusDocument({
    services: live.services,
    sharePercent: sharePercent(),
    state: driver.state,
    stats: dataPlane.stats(),
    maxConnections: live.current.maxConnections,
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
