const MS_PER_SECOND = 1000;

/** Bounds how many ICMP errors a node makes: a bucket of tokens (RFC 4443, section 2.4 f; RFC 1812, section 4.3.2.8). */
export class AnswerLimit {
  private readonly perSecond: number;
  private readonly burst: number;
  /** Thousandths of an answer, so that a millisecond's share is a whole number. */
  private tokens: number;
  private latestMs = 0;

  /** Defaults: 1000 a second, 50 at once, as Linux has them (`icmp_msgs_per_sec`, `icmp_msgs_burst`). */
  constructor(perSecond = 1000, burst = 50) {
    this.perSecond = perSecond;
    this.burst = burst * MS_PER_SECOND;
    this.tokens = this.burst;
  }

  /** Whether one more may be made now; if so it counts. Times count modulo 2^32 ms. */
  take(nowMs: number): boolean {
    const passedMs = Math.max(0, ((nowMs | 0) - this.latestMs) | 0);
    this.latestMs = nowMs | 0;
    this.tokens = Math.min(this.burst, this.tokens + passedMs * this.perSecond);
    if (this.tokens < MS_PER_SECOND) return false;
    this.tokens -= MS_PER_SECOND;
    return true;
  }
}
