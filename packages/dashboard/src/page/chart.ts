/** Curves as SVG paths: no document, only numbers. */

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** What the upper edge stands for. */
  readonly top: number;
}

/** The next number above that people like to read: 1, 2 or 5 times a power of ten. */
export function niceTop(value: number): number {
  if (!(value > 1)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

export function xOf(atMs: number, { width, fromMs, toMs }: Frame): number {
  return round((width * (atMs - fromMs)) / Math.max(1, toMs - fromMs));
}

/** How much of the past to show: what there is, within bounds. */
export function spanOf(samples: readonly { readonly atMs: number }[], nowMs: number, mostMs: number): number {
  const first = samples[0];
  return Math.min(mostMs, Math.max(60_000, first === undefined ? 0 : nowMs - first.atMs));
}

/** A line through the points. Where nothing was sampled for longer than `gapMs` it is broken. */
export function linePath(points: readonly Point[], frame: Frame, gapMs = 5000): string {
  let path = '';
  let before: Point | undefined;
  for (const point of points) {
    const y = round(frame.height * (1 - Math.min(point.value, frame.top) / frame.top));
    const isNew = before === undefined || point.atMs - before.atMs > gapMs;
    path += `${isNew ? 'M' : 'L'}${xOf(point.atMs, frame)} ${y}`;
    before = point;
  }
  return path;
}

/** The same, closed along the lower edge. */
export function areaPath(points: readonly Point[], frame: Frame): string {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return '';
  const line = linePath(points, frame, Infinity);
  return `${line}L${xOf(last.atMs, frame)} ${frame.height}L${xOf(first.atMs, frame)} ${frame.height}Z`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
