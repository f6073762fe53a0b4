import { constants, setPriority } from 'node:os';
import type { Logger } from '../logging.js';

/**
 * Asks for a better place in the queue for the CPU, for this thread: a heartbeat that waits behind the host's services
 * looks like death to the others. Threads that start later inherit it, so this comes when the data plane has been
 * started: it must not have it. Woken ahead of everybody for each single frame, it would handle them one by one instead
 * of in batches. Without CAP_SYS_NICE it is refused, and the node runs all the same.
 */
export function raisePriority(logger: Logger): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGH);
  } catch (error) {
    logger.debug('running with ordinary CPU priority', { why: (error as Error).message });
  }
}
