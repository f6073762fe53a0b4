import { isIPv6 } from 'node:net';
import type { RingState } from '@ringmaster/ring';
import { formatIpv4 } from '@ringmaster/ring';
import { monotonicMs } from '../dataplane/index.js';
import { askForConnections } from '../inventory/index.js';
import { Rebuild } from '../inventory/rebuild.js';
import type { Logger } from '../logging.js';
import { activeHosts } from './hosts.js';
import type { LiveConfig } from './reload.js';
import type { Shells } from './shells.js';

/**
 * Until a member accepts the question: late is better than never, and its inventory may be at a long list for somebody
 * else. A member that is dead is noticed otherwise.
 */
const ACCEPT_TIMEOUT_MS = 3000;
/** From the acceptance of a question to the end of the answer: a million connections take a second or two. */
const ANSWER_TIMEOUT_MS = 5000;

/** The rebuild of the connection map, over the real questions and the real data plane. */
export function makeRebuild(live: LiveConfig, shells: Shells, state: RingState, logger: Logger): Rebuild {
  const { keys, dataPlane } = shells;
  const config = live.current;
  return new Rebuild({
    nowMs: monotonicMs,
    ask: (member, onRows) =>
      askForConnections({
        host: formatIpv4(member),
        port: config.ring.port,
        cryptography: keys?.bulk,
        ipv6: live.current.clusters.some(({ address }) => isIPv6(address)),
        acceptTimeoutMs: ACCEPT_TIMEOUT_MS,
        answerTimeoutMs: ANSWER_TIMEOUT_MS,
        maxConnections: config.maxConnections,
        onRows,
      }),
    isThere: (member) => activeHosts(state).includes(member),
    enter: (member, list) => dataPlane.enter(member, list),
    hold: (on) => dataPlane.hold(on),
    onResult: (member, result, ms) => {
      const facts = { member: formatIpv4(member), ms: Math.round(ms) };
      if (result.ok) logger.debug('learned connections', { ...facts, connections: result.connections });
      else logger.warn('a member did not tell its connections', { ...facts, why: result.failure });
    },
    holdLimitMs: config.ring.broadcastTimeoutMs,
  });
}
