import { LEAST_SHARE } from '../servers.js';

/** Who was away for less than this has not grown cold: a ring purge makes everybody inactive for a moment. */
export const STAYS_WARM_MS = 2000;

/** A server, as far as the slow start is concerned. */
export interface StartingServer {
  /** Its address, unsigned. */
  readonly address: number;
  /** Whether it takes new connections. */
  readonly serves: boolean;
  /** Whether it has just started, should it be seen for the first time. Others were there before us. */
  readonly isNewcomer: boolean;
}

interface Warmth {
  serves: boolean;
  /** When it began, or stopped, to serve. */
  sinceMs: number;
  /** When its slow start began; `undefined` when it has its full share. */
  startMs: number | undefined;
}

/**
 * The share of its weight that each server is given: from little to all, in a straight line, over the time of a slow
 * start. It begins when a server joins, comes back after more than {@link STAYS_WARM_MS}, or is undrained.
 */
export class SlowStart {
  /** 0: there is no slow start. May change: those that are under way go on by the new one. */
  lengthMs: number;
  private servers = new Map<number, Warmth>();

  constructor(lengthMs: number) {
    this.lengthMs = lengthMs;
  }

  /** Notes who serves now; to be called when that changes. Who is not in `servers` is forgotten. */
  note(servers: readonly StartingServer[], nowMs: number): void {
    const before = this.servers;
    this.servers = new Map();
    for (const { address, serves, isNewcomer } of servers) {
      const warmth = before.get(address);
      if (warmth === undefined) {
        this.servers.set(address, {
          serves,
          sinceMs: nowMs,
          startMs: serves && isNewcomer ? nowMs : undefined,
        });
        continue;
      }
      this.servers.set(address, warmth);
      if (warmth.serves === serves) continue;
      if (serves && nowMs - warmth.sinceMs > STAYS_WARM_MS) warmth.startMs = nowMs;
      warmth.serves = serves;
      warmth.sinceMs = nowMs;
    }
  }

  /** 1/32 to 1, in steps of 1/32. */
  shareOf(address: number, nowMs: number): number {
    const startMs = this.servers.get(address)?.startMs;
    if (startMs === undefined || this.lengthMs === 0) return 1;
    const part = Math.floor((nowMs - startMs) / this.lengthMs / LEAST_SHARE) * LEAST_SHARE;
    return Math.min(1, Math.max(LEAST_SHARE, part));
  }

  /** Whether some share still grows. */
  isRunning(nowMs: number): boolean {
    for (const [address, { serves }] of this.servers) {
      if (serves && this.shareOf(address, nowMs) < 1) return true;
    }
    return false;
  }
}
