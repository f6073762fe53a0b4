import { constants, setPriority } from 'node:os';
import type { Logger } from '../logging.js';

/**
 * Asks for a better place in the queue for the CPU: a heartbeat that waits behind the host's services looks like death to
 * the others (trap 11 of the facts), and everybody's packets wait for the data plane. Threads that start later inherit it,
 * so this comes first. Without CAP_SYS_NICE it is refused, and the node runs all the same.
 */
export function raisePriority(logger: Logger): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGH);
  } catch (error) {
    logger.debug('running with ordinary CPU priority', { why: (error as Error).message });
  }
}
