import { median, pairedRatios, type RatioSummary } from './statistics.js';

/** One contender's figures for one kind of work; one value a round. */
export interface Series {
  readonly contender: string;
  readonly work: string;
  readonly unit: string;
  readonly values: readonly number[];
  readonly errors: number;
}

/** A line of the table. */
export interface Row {
  readonly work: string;
  readonly contender: string;
  readonly unit: string;
  /** One a round. */
  readonly values: readonly number[];
  readonly median: number;
  /** To the direct path (where it has no such figure, to the first contender), round by round. For times above 1 is slower. */
  readonly ratio: RatioSummary;
  readonly errors: number;
}

/** Compares every series with the one of the contender `base` for the same work and unit; without it, with the first one. */
export function compare(series: readonly Series[], base: string): Row[] {
  return series.map(({ contender, work, unit, values, errors }) => {
    const rivals = series.filter((other) => other.work === work && other.unit === unit);
    const direct = rivals.find((other) => other.contender === base) ?? rivals[0];
    return {
      work,
      contender,
      unit,
      values,
      median: median(values),
      ratio: pairedRatios(values, direct.values),
      errors,
    };
  });
}

/** The rows as an aligned table. */
export function table(rows: readonly Row[]): string[] {
  const head = ['work', 'contender', 'median', 'unit', 'ratio', 'spread', 'errors'];
  const body = rows.map(({ work, contender, median: middle, unit, ratio, errors }) => [
    work,
    contender,
    figure(middle),
    unit,
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)}`,
    String(errors),
  ]);
  const all = [head, ...body];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)];
}

/** Three or four digits that matter: 48100 -> 48.1k. */
export function figure(value: number): string {
  const scales = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  const scale = scales.find(([factor]) => value >= factor);
  return scale === undefined ? value.toFixed(1) : `${(value / scale[0]).toFixed(1)}${scale[1]}`;
}
