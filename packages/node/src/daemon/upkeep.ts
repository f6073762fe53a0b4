import type { PreparedHost } from '../host/index.js';
import type { Logger } from '../logging.js';

/** How long answers may go the wrong way after an interface was off and on again. */
const LOOK_MS = 1000;

/**
 * Looks after what the node has put on its host: an interface that goes down takes the routes over it with it, and nobody
 * else would bring those back. Returns how to end it.
 */
export function keepHost(host: Pick<PreparedHost, 'repair'>, logger: Pick<Logger, 'warn'>): () => void {
  const timer = setInterval(() => {
    const repaired = host.repair();
    if (repaired.length > 0)
      logger.warn('put back what had gone from this host', { changes: repaired.join('; ') });
  }, LOOK_MS);
  return () => clearInterval(timer);
}
