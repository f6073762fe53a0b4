/** The terminal while something is drawn on it: taken over, and given back however the program ends. */
import type { ReadStream, WriteStream } from 'node:tty';

const ESC = '\u001b[';
/** The alternate screen, without cursor (xterm control sequences, DECSET 1049 and 25), and back. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}2J`;
const LEAVE = `${ESC}0m${ESC}?25h${ESC}?1049l`;
const CTRL_C = '\u0003';

export interface Terminal {
  readonly width: number;
  readonly height: number;
  /** Shows these lines; writes only those that have changed, all in one go. */
  draw(lines: readonly string[]): void;
  close(): void;
}

export interface TerminalEvents {
  /** The user has enough. */
  quit(): void;
  /** There is another size. */
  resized(): void;
}

export function takeTerminal(input: ReadStream, output: WriteStream, events: TerminalEvents): Terminal {
  let shown: readonly string[] = [];
  let open = true;
  const onKey = (key: Buffer): void => {
    if (['q', 'Q', CTRL_C].includes(key.toString())) events.quit();
  };
  const onResize = (): void => {
    shown = [];
    output.write(`${ESC}2J`);
    events.resized();
  };
  const close = (): void => {
    if (!open) return;
    open = false;
    output.off('resize', onResize);
    input.off('data', onKey);
    if (input.isTTY) input.setRawMode(false);
    input.pause();
    output.write(LEAVE);
  };
  // A terminal that has gone is no news for the one who drew on it.
  output.on('error', () => events.quit());
  output.write(ENTER);
  output.on('resize', onResize);
  if (input.isTTY) input.setRawMode(true);
  input.on('data', onKey);
  process.once('exit', close);
  return {
    get width() {
      return output.columns ?? 80;
    },
    get height() {
      return output.rows ?? 24;
    },
    draw(lines) {
      if (!open) return;
      const changed = lines.map((line, row) =>
        line === shown[row] ? '' : `${ESC}${row + 1};1H${line}${ESC}K`,
      );
      const text = changed.join('');
      if (text !== '') output.write(text);
      shown = lines;
    },
    close,
  };
}
