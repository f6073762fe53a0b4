const WIDTH = 30;
const REFRESH_MS = 100;

/** A bar on standard error, when that is a terminal. */
export class Progress {
  private readonly total: number;
  private readonly startedMs = Date.now();
  private readonly shown: boolean;
  private lastMs = 0;

  constructor(total: number, quiet: boolean) {
    this.total = total;
    this.shown = !quiet && process.stderr.isTTY === true;
  }

  show(done: number, failed: number): void {
    const nowMs = Date.now();
    if (!this.shown || (done < this.total && nowMs - this.lastMs < REFRESH_MS)) return;
    this.lastMs = nowMs;
    const filled = Math.round((WIDTH * done) / this.total);
    const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
    const leftS = Math.round(((nowMs - this.startedMs) / 1000 / Math.max(1, done)) * (this.total - done));
    process.stderr.write(`\r[${bar}] ${done}/${this.total} seeds, ${failed} failed, ${leftS} s left   `);
    if (done === this.total) process.stderr.write('\n');
  }
}
