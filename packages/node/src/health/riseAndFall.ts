/** Turns single check results into a state that does not flap: `fall` bad ones in a row and it is down, `rise` good ones and it is up. */
export class RiseAndFall {
  private readonly rise: number;
  private readonly fall: number;
  private inARow = 0;
  healthy = true;

  constructor(rise: number, fall: number) {
    this.rise = rise;
    this.fall = fall;
  }

  /** True when the state has changed by this result. */
  note(ok: boolean): boolean {
    if (ok === this.healthy) {
      this.inARow = 0;
      return false;
    }
    this.inARow++;
    if (this.inARow < (this.healthy ? this.fall : this.rise)) return false;
    this.healthy = ok;
    this.inARow = 0;
    return true;
  }
}
