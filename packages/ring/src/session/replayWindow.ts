/** Which counters of one sender's epoch have been seen: the greatest, and 32 below it (as RFC 4303, 3.4.3). */
export class ReplayWindow {
  private greatest: number;
  /** Bit i: `greatest - i` has been seen. What came before the first counter counts as seen. */
  private seen = 0xffff_ffff;

  constructor(firstCounter: number) {
    this.greatest = firstCounter;
  }

  /** True once for each counter; false for a repetition and for what is too old to tell. */
  accept(counter: number): boolean {
    const ahead = counter - this.greatest;
    if (ahead > 0) {
      this.seen = ahead >= 32 ? 1 : ((this.seen << ahead) | 1) >>> 0;
      this.greatest = counter;
      return true;
    }
    const behind = -ahead;
    if (behind >= 32) return false;
    const bit = (1 << behind) >>> 0;
    if ((this.seen & bit) !== 0) return false;
    this.seen = (this.seen | bit) >>> 0;
    return true;
  }
}
