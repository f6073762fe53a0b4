import type { RingState } from './state.js';

/**
 * R15: how long the NUN may be silent adapts to how regularly it has been heard, within bounds, in the manner of TCP's
 * retransmission timeout (RFC 6298): smoothed gap plus four times its smoothed deviation. On a quiet network that is
 * less than the configured timeout, which then counts; on a busy host it grows, up to four times the configured one.
 */
const GAP_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;
const DEVIATIONS = 4;
const LARGEST_FACTOR = 4;

/** Notes the time since the NUN was heard last. What is shorter than half an interval is a packet between heartbeats. */
export function noteGap(state: RingState, gapMs: number): void {
  const { gaps, config } = state;
  if (gapMs < config.heartbeatIntervalMs / 2) return;
  gaps.deviationMs += DEVIATION_WEIGHT * (Math.abs(gapMs - gaps.smoothedMs) - gaps.deviationMs);
  gaps.smoothedMs += GAP_WEIGHT * (gapMs - gaps.smoothedMs);
}

/** A new NUN is judged by the configuration until it is known. */
export function forgetGaps(state: RingState): void {
  state.gaps.smoothedMs = state.config.heartbeatIntervalMs;
  state.gaps.deviationMs = 0;
}

/** Silence of the NUN that counts as its death, now. */
export function silenceLimitMs({ gaps, config }: RingState): number {
  const { communicationTimeoutMs } = config;
  const wantedMs = gaps.smoothedMs + DEVIATIONS * gaps.deviationMs;
  return Math.min(LARGEST_FACTOR * communicationTimeoutMs, Math.max(communicationTimeoutMs, wantedMs));
}
