/** What is known of a service: nothing yet, it works, or it does not. */
export type Health = 'unknown' | 'good' | 'ill';

/**
 * Turns single check results into a state that does not flap: `fall` bad ones in a row and it is ill, `rise` good ones and it
 * is good. The very first result counts at once.
 */
export class RiseAndFall {
  private readonly rise: number;
  private readonly fall: number;
  private inARow = 0;
  state: Health;

  /** @param state what is taken for granted until it is shown otherwise */
  constructor(rise: number, fall: number, state: Health = 'unknown') {
    this.rise = rise;
    this.fall = fall;
    this.state = state;
  }

  /** True when the state has changed by this result. */
  note(ok: boolean): boolean {
    const says = ok ? 'good' : 'ill';
    if (says === this.state) {
      this.inARow = 0;
      return false;
    }
    this.inARow++;
    if (this.state !== 'unknown' && this.inARow < (ok ? this.rise : this.fall)) return false;
    this.state = says;
    this.inARow = 0;
    return true;
  }
}
