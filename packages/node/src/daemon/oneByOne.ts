/** Work that is done one after the other, and how much of it may wait. */
export class OneByOne {
  private readonly most: number;
  private last: Promise<unknown> = Promise.resolve();
  private undone = 0;

  /** @param most so much may be under way or wait, together */
  constructor(most: number) {
    this.most = most;
  }

  /** Nothing more is to be added at present. */
  get isFull(): boolean {
    return this.undone >= this.most;
  }

  /** Does `work` after all that was added before, however that ended. Settles as `work` does. */
  add<T>(work: () => Promise<T>): Promise<T> {
    this.undone++;
    const next = this.last.then(work).finally(() => this.undone--);
    this.last = next.catch(() => undefined);
    return next;
  }
}
