import type { RingDriver } from '@ringmaster/transport';
import type { HealthConfig, NodeConfig } from '../config/index.js';
import type { EventLog } from '../events/eventLog.js';
import { HealthMonitor } from '../health/healthMonitor.js';
import type { Logger } from '../logging.js';

/** The checks of this node's own services. */
export function ownChecks({ clusters }: NodeConfig): HealthConfig[] {
  return clusters.flatMap(({ ports }) =>
    ports.flatMap(({ health, servers }) => (health && servers === undefined ? [health] : [])),
  );
}

/**
 * R16: a node whose service fails its checks leaves the ring until it is repaired. It does not join before its service has
 * been seen to work once.
 */
export function watchServices(
  config: NodeConfig,
  driver: RingDriver,
  logger: Logger,
  events: Pick<EventLog, 'add'>,
): HealthMonitor {
  const checks = ownChecks(config);
  let hasBeenGood = checks.length === 0;
  return new HealthMonitor(checks, (state, why) => {
    const text = state === 'good' ? 'the services of this node work' : `a service of this node fails: ${why}`;
    events.add('health', text, { healthy: state === 'good', why });
    if (state === 'good') {
      if (hasBeenGood) logger.info('the service works again: returning to the ring', { why });
      else logger.info('the service works: joining the ring', { why });
      hasBeenGood = true;
      driver.start();
    } else if (hasBeenGood) {
      logger.warn('the service fails its checks: leaving the ring until it is repaired', { why });
      void driver.leave(why);
    } else {
      logger.warn('the service does not work yet: joining the ring as soon as it does', { why });
    }
  });
}
