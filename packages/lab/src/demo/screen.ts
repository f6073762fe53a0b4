import pc from 'picocolors';

/** Where the demo tells its story: colours and a live line on a terminal, plain lines elsewhere. */
export class Screen {
  readonly colors: ReturnType<typeof pc.createColors>;
  readonly #out: NodeJS.WriteStream;
  readonly #live: boolean;
  #liveShown = false;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
    this.#live = out.isTTY === true;
    this.colors = pc.createColors(this.#live && process.env['NO_COLOR'] === undefined);
  }

  title(text: string): void {
    this.line(`\n${this.colors.bold(text)}`);
  }

  line(text = ''): void {
    this.#clear();
    this.#out.write(`${text}\n`);
  }

  good(text: string): void {
    this.line(`  ${this.colors.green('ok')}  ${text}`);
  }

  bad(text: string): void {
    this.line(`  ${this.colors.red('!!')}  ${text}`);
  }

  /** A line that the next one replaces; only on a terminal. */
  live(text: string): void {
    if (!this.#live) return;
    this.#clear();
    this.#out.write(this.colors.dim(`  ${text}`));
    this.#liveShown = true;
  }

  #clear(): void {
    if (this.#liveShown) this.#out.write('\r\u001b[2K');
    this.#liveShown = false;
  }
}
