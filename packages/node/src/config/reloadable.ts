/** What `ringmaster reload` can change while a node runs, and what only a restart can. */

export type Reloading = 'live' | 'restart';

/**
 * By path, without positions in lists; the longest that a key begins with counts. What is not named needs a restart: so a
 * new key is refused until somebody has made it live.
 */
const RELOADING: Readonly<Record<string, Reloading>> = {
  weight: 'live',
  slowStartMs: 'live',
  'ring.heartbeatIntervalMs': 'live',
  'ring.communicationTimeoutMs': 'live',
  'ring.broadcastTimeoutMs': 'live',
  'ring.preempt': 'live',
  'ring.holdDownMs': 'live',
  'ring.minimumMembers': 'live',
  // Whole clusters and ports come and go. What is in their connections' packets cannot change under them.
  clusters: 'live',
  'clusters.mode': 'restart',
  'clusters.gateway': 'restart',
  'clusters.ports.targetPort': 'restart',
};

/** Whether a key can be changed while the node runs. `path` without positions, like `clusters.ports.scheduler`. */
export function reloadingOf(path: string): Reloading {
  const steps = path.split('.');
  for (let length = steps.length; length > 0; length--) {
    const found = RELOADING[steps.slice(0, length).join('.')];
    if (found !== undefined) return found;
  }
  return 'restart';
}
