/** The last minutes as curves, failovers marked. */
import { areaPath, linePath, niceTop, spanOf, xOf, type Frame, type Point } from './chart.js';
import { el, svg } from './dom.js';
import { clock, short } from './format.js';
import type { Sample } from './types.js';

const WIDTH = 560;
const HEIGHT = 110;

interface Curve {
  readonly title: string;
  readonly unit: string;
  readonly value: (sample: Sample) => number;
}

const CURVES: readonly Curve[] = [
  { title: 'Connections', unit: '', value: ({ connections }) => connections },
  { title: 'New connections', unit: '/s', value: ({ newPerSecond }) => newPerSecond },
  { title: 'Frames', unit: '/s', value: ({ framesPerSecond }) => framesPerSecond },
  { title: 'Dropped', unit: '/s', value: ({ droppedPerSecond }) => droppedPerSecond },
];

/** @param mostMs how much of the past is shown at most */
export function drawTraffic(samples: readonly Sample[], nowMs: number, mostMs: number): HTMLElement[] {
  const spanMs = spanOf(samples, nowMs, mostMs);
  const shown = samples.filter(({ atMs }) => atMs >= nowMs - spanMs);
  const marks = shown.filter(({ failover }) => failover).map(({ atMs }) => atMs);
  return CURVES.map((curve) => drawCurve(curve, shown, marks, nowMs, spanMs));
}

function drawCurve(
  { title, unit, value }: Curve,
  samples: readonly Sample[],
  marks: readonly number[],
  nowMs: number,
  spanMs: number,
): HTMLElement {
  const points: Point[] = samples.map((sample) => ({ atMs: sample.atMs, value: value(sample) }));
  const top = niceTop(Math.max(0, ...points.map((point) => point.value)));
  const frame: Frame = { width: WIDTH, height: HEIGHT, fromMs: nowMs - spanMs, toMs: nowMs, top };
  const now = points.at(-1)?.value ?? 0;
  const failed = marks.length === 0 ? '' : `, ${marks.length} failovers in this time`;
  const picture = svg(
    'svg',
    {
      ...{ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', preserveAspectRatio: 'none' },
      'aria-label': `${title}: ${short(now)}${unit} now, at most ${short(top)}${unit}${failed}`,
    },
    svg('path', { d: areaPath(points, frame), class: 'area' }),
    svg('path', { d: linePath(points, frame), class: 'line' }),
    ...marks.map((atMs) => {
      const x = xOf(atMs, frame);
      return svg(
        'line',
        { x1: x, x2: x, y1: 0, y2: HEIGHT, class: 'mark' },
        svg('title', {}, `failover at ${clock(atMs)}`),
      );
    }),
  );
  return el(
    'figure',
    { class: 'curve' },
    el('figcaption', {}, el('span', {}, title), el('strong', {}, `${short(now)}${unit}`)),
    el('div', { class: 'plot' }, picture, el('span', { class: 'top' }, `${short(top)}${unit}`)),
    el('div', { class: 'axis' }, el('span', {}, clock(nowMs - spanMs)), el('span', {}, clock(nowMs))),
  );
}
