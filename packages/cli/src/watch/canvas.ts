/** A page of characters to draw on. What does not fit is cut off, so no line is ever too long for the terminal. */

export type Style = 'plain' | 'bold' | 'dim' | 'good' | 'warning' | 'bad' | 'accent' | 'title';

/** Select Graphic Rendition (ECMA-48, 8.3.117). The sixteen colours are the user's own: they fit light and dark alike. */
const SGR: Readonly<Record<Style, string>> = {
  plain: '',
  bold: '1',
  dim: '2',
  good: '32',
  warning: '33',
  bad: '1;31',
  accent: '1;36',
  title: '1;7',
};

/** One column each; everything else could be none or two, or a command to the terminal. */
const SHOWN = /^[\u0020-\u007e\u00a0-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25ff]$/;

export class Canvas {
  readonly width: number;
  readonly height: number;
  private readonly characters: string[];
  private readonly styles: Style[];

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.characters = new Array<string>(width * height).fill(' ');
    this.styles = new Array<Style>(width * height).fill('plain');
  }

  /** Writes from column `x` on, up to `limit` columns. Returns the column behind the text. */
  put(x: number, y: number, text: string, style: Style = 'plain', limit = Infinity): number {
    let column = Math.round(x);
    const row = Math.round(y);
    const end = Math.min(this.width, column + limit);
    for (const character of text) {
      if (column >= end) break;
      if (column >= 0 && row >= 0 && row < this.height) {
        this.characters[row * this.width + column] = SHOWN.test(character) ? character : '?';
        this.styles[row * this.width + column] = style;
      }
      column++;
    }
    return column;
  }

  /** From top to bottom. @param colours without them the text alone */
  lines(colours: boolean): string[] {
    return Array.from({ length: this.height }, (_, row) => this.line(row, colours));
  }

  private line(row: number, colours: boolean): string {
    let end = this.width;
    const at = row * this.width;
    while (end > 0 && this.characters[at + end - 1] === ' ' && this.styles[at + end - 1] === 'plain') end--;
    let text = '';
    let style: Style = 'plain';
    for (let i = at; i < at + end; i++) {
      if (colours && this.styles[i] !== style) {
        style = this.styles[i];
        text += `\u001b[0${SGR[style] === '' ? '' : ';'}${SGR[style]}m`;
      }
      text += this.characters[i];
    }
    return style === 'plain' ? text : `${text}\u001b[0m`;
  }
}
