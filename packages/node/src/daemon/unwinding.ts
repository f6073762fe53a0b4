interface Undo {
  readonly what: string;
  readonly run: () => void | Promise<void>;
}

/** What has been done, to be undone in reverse order: at the end, or when a start fails half-way. */
export class Unwinding {
  private readonly undos: Undo[] = [];

  push(what: string, run: () => void | Promise<void>): void {
    this.undos.push({ what, run });
  }

  /** Undoes everything; what fails is reported and does not keep the rest from being undone. */
  async run(report: (message: string) => void): Promise<void> {
    for (let undo = this.undos.pop(); undo !== undefined; undo = this.undos.pop()) {
      try {
        await undo.run();
      } catch (error) {
        report(`${undo.what} failed: ${(error as Error).message}`);
      }
    }
  }
}
