import { DIRECT, REFERENCE, RINGMASTER } from './contenders.js';
import { figure, type Row } from './report.js';

/** Kinds of work in the picture, with the unit whose ratio is drawn: more is better in all of them. */
const PANELS: readonly (readonly [string, string])[] = [
  ['keep-alive', 'requests/s'],
  ['new connections', 'connections/s'],
  ['bulk', 'bytes/s'],
];

const WIDTH = 760;
const LABEL_X = 196;
const BAR_X = 206;
const BAR_WIDTH = 380;
const BAR_HEIGHT = 20;
const STEP = 28;
const HEAD = 66;
const PANEL_HEAD = 40;
const FOOT = 34;

const STYLE = `
    text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 14px; fill: #1f2430; }
    .small { font-size: 12px; fill: #4a5163; }
    .title { font-size: 16px; font-weight: 600; }
    .name { text-anchor: end; }
    .card { fill: #f7f7f4; }
    .own { fill: #2f6fb0; }
    .base { fill: #5b6478; }
    .other { fill: #b9bfca; }
    .spread { stroke: #1f2430; stroke-width: 1.5; }
    .line { stroke: #5b6478; stroke-dasharray: 4 4; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6e8ee; }
      .small { fill: #aab2c5; }
      .card { fill: #1b1f2a; }
      .own { fill: #6fb1ee; }
      .base { fill: #8a94ab; }
      .other { fill: #475066; }
      .spread { stroke: #e6e8ee; }
      .line { stroke: #8a94ab; }
    }
  `;

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function kindOf(contender: string): string {
  if (contender === DIRECT || contender === REFERENCE) return 'base';
  return contender.startsWith(RINGMASTER.split(' ')[0]) ? 'own' : 'other';
}

/** A bar with its spread, the contender's name before it and its figures behind it. */
function bar(row: Row, top: number, perPixel: number): string[] {
  const { contender, ratio, unit } = row;
  const width = (value: number) => (value / perPixel).toFixed(1);
  const at = (value: number) => (BAR_X + value / perPixel).toFixed(1);
  const middle = top + BAR_HEIGHT / 2;
  const figures = `${ratio.median.toFixed(2)} (${figure(row.median)} ${unit})`;
  return [
    `<text class="name" x="${LABEL_X}" y="${top + 15}">${escape(contender)}</text>`,
    `<rect class="${kindOf(contender)}" x="${BAR_X}" y="${top}" width="${width(ratio.median)}" height="${BAR_HEIGHT}" rx="3"/>`,
    `<line class="spread" x1="${at(ratio.min)}" x2="${at(ratio.max)}" y1="${middle}" y2="${middle}"/>`,
    `<text class="small" x="${BAR_X + BAR_WIDTH + 8}" y="${top + 15}">${escape(figures)}</text>`,
  ];
}

/** An SVG picture of the ratios to the direct path, a panel for each kind of work; readable on light and on dark ground. */
export function picture(rows: readonly Row[]): string {
  const lines: string[] = [];
  let y = HEAD;
  for (const [work, unit] of PANELS) {
    const panel = rows.filter((row) => row.work === work && row.unit === unit);
    if (panel.length === 0) continue;
    const perPixel = Math.max(1, ...panel.map(({ ratio }) => ratio.max)) / BAR_WIDTH;
    lines.push(`<text class="title" x="24" y="${y + 20}">${escape(work)}</text>`);
    y += PANEL_HEAD;
    const direct = (BAR_X + 1 / perPixel).toFixed(1);
    const bottom = y + panel.length * STEP;
    lines.push(`<line class="line" x1="${direct}" x2="${direct}" y1="${y - 8}" y2="${bottom}"/>`);
    for (const row of panel) {
      lines.push(...bar(row, y, perPixel));
      y += STEP;
    }
    y += 8;
  }
  const height = y + FOOT;
  const about =
    'Bars: medians of the rounds; lines: from the worst to the best round. One machine, all hosts on it.';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title desc">`,
    '  <title id="title">Throughput compared</title>',
    '  <desc id="desc">Work done through each balancer as a share of the same work straight to a server.</desc>',
    `  <style>${STYLE}</style>`,
    `  <rect class="card" width="${WIDTH}" height="${height}" rx="8"/>`,
    `  <text class="title" x="24" y="36">Throughput as a share of the direct path (longer is better)</text>`,
    ...lines.map((line) => `  ${line}`),
    `  <text class="small" x="24" y="${height - 14}">${about}</text>`,
    '</svg>',
    '',
  ].join('\n');
}
