/** What `ringmaster reload` can change while a node runs, and what only a restart can. */

export type Reloading = 'reload' | 'restart';

/**
 * By path, without positions and names in lists; the longest that a key begins with counts. What is not named needs a
 * restart: so a new key is refused until somebody has made it reloadable.
 */
const RELOADING: Readonly<Record<string, Reloading>> = {
  weight: 'reload',
  slowStartMs: 'reload',
  'ring.keyFile': 'reload',
  'ring.keyFiles': 'reload',
  'ring.keys': 'reload',
  'ring.election': 'reload',
  'ring.preempt': 'reload',
  'ring.holdDownMs': 'reload',
  'ring.minimumMembers': 'reload',
  // Whole clusters and ports come and go. What decides where the packets of their connections go cannot change under them.
  clusters: 'reload',
  'clusters.mode': 'restart',
  'clusters.dispatch': 'restart',
  'clusters.gateway': 'restart',
  'clusters.ports.targetPort': 'restart',
  'clusters.ports.stateless': 'restart',
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
