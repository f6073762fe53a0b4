/** How each part of a node is told of another configuration. */
import type { NodeConfig } from '../config/index.js';
import { hostClusters } from '../host/index.js';
import type { Logger } from '../logging.js';
import { encodeServices } from '../services.js';
import { balancingRules } from './balancing.js';
import { dispatchClusters, listedPlaces, roleRules } from './describe.js';
import { type ChangeHost, type LiveConfig, Reload } from './reload.js';
import type { Deciding } from './runNode.js';
import { ownChecks } from './serviceHealth.js';
import { announcements, type Shells } from './shells.js';

export interface ReloadDependencies {
  readonly logger: Logger;
  readonly onReload?: (isUnderWay: boolean) => void;
}

export function openReload(
  live: LiveConfig,
  shells: Shells,
  deciding: Deciding,
  { logger, onReload = () => undefined }: ReloadDependencies,
): Reload {
  const changeHost: ChangeHost = async (config) => {
    const changed = await shells.changeHost(hostClusters(config));
    return changed.ok ? { ok: true, ...changed.value } : { ok: false, message: changed.problem.message };
  };
  return new Reload({
    live,
    keys: shells.keys,
    changeHost,
    apply: (config) => apply(config, shells, deciding),
    onReload,
    events: deciding.events,
    logger,
  });
}

/**
 * In one turn, so that nobody sees a half of it. The packets' side comes first, and then what the others are told of this
 * node: whoever gives it a connection may do so at once.
 */
function apply(config: NodeConfig, shells: Shells, deciding: Deciding): void {
  const { dataPlane, announcer, inventory, host, keys } = shells;
  const { driver, operation, balancing, fixedServers, health } = deciding;
  dataPlane.setClusters(dispatchClusters(config));
  announcer.replace(announcements(config, shells.announcedMac));
  inventory.configure({ places: listedPlaces(config, host), keys: keys?.current });
  driver.command({ kind: 'configure', change: roleRules(config) });
  driver.command({ kind: 'describe', change: { services: encodeServices(host, config.clusters) } });
  operation.drain.reweigh(config.weight);
  balancing.reconfigure(balancingRules(config));
  fixedServers.reconfigure(config);
  health.reconfigure(ownChecks(config));
  deciding.updateServers();
}
