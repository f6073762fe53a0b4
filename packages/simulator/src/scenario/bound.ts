import type { RingConfig } from '@ringmaster/ring';
import { DEFAULT_RING_CONFIG } from '@ringmaster/ring';

/** The ring's own constants that the bound is made of (`packages/ring`, member.ts and joining.ts). */
const SILENT_BEACONS = 5;
const FOUNDER_ROUNDS = 3;
/** One hop, its queueing and a timer's lateness. */
const HOP_MS = 2;

/**
 * How long after the last fault the cluster of `members` has converged at the latest (invariant 1). The worst case is
 * a chain, each link of which can be met once:
 *
 * - a lost neighbour is noticed (communication timeout, and a tick), the repair is not confirmed (broadcast timeout),
 *   or only the heartbeat tells (twice the communication timeout);
 * - everybody re-enters (broadcast timeout, at a cold start `FOUNDER_ROUNDS` more);
 * - separate rings meet at a beacon, the younger dissolves and re-enters; a member that missed this is met by a second;
 * - a member whose end nobody has noticed is struck off after `SILENT_BEACONS` beacons;
 * - the preferred member is held down, then completes its connection map and takes over.
 */
export function convergenceBoundMs(given: Partial<RingConfig>, members: number, takeOverMs: number): number {
  const config = { ...DEFAULT_RING_CONFIG, ...given };
  const { heartbeatIntervalMs, communicationTimeoutMs, broadcastTimeoutMs, beaconIntervalMs } = config;
  const detected = 2 * communicationTimeoutMs + 2 * heartbeatIntervalMs + broadcastTimeoutMs;
  const entered = (1 + FOUNDER_ROUNDS) * broadcastTimeoutMs;
  const met = 2 * (beaconIntervalMs + heartbeatIntervalMs + broadcastTimeoutMs);
  const struckOff = SILENT_BEACONS * beaconIntervalMs + heartbeatIntervalMs;
  return detected + entered + met + struckOff + config.holdDownMs + takeOverMs + 2 * members * HOP_MS;
}
