/** A scenario as a picture: who served how many requests, over time; faults and changes of roles above. Inline SVG. */
import type { Result } from '../perform.js';
import type { Entry } from '../timeline.js';

const WIDTH = 960;
const HEIGHT = 220;
const LEFT = 46;
const TOP = 96;
const BOTTOM = 26;
const BUCKET_MS = 100;
/** Colour of requests that failed. */
export const FAILED = '#d1242f';
/** Told apart by people who see no red or green, too (Okabe and Ito). */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#f0e442', '#8c564b', '#7f7f7f'];

export const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export function serversOf({ drawn }: Result): string[] {
  const names = new Set(drawn.flatMap(({ server }) => (server === undefined ? [] : [server])));
  return [...names].sort((one, other) => Number(one.split('.').at(-1)) - Number(other.split('.').at(-1)));
}

export const colourOf = (servers: readonly string[], server: string): string =>
  COLOURS[servers.indexOf(server) % COLOURS.length];

interface Scale {
  readonly x: (ms: number) => number;
  readonly y: (count: number) => number;
  readonly endMs: number;
}

/** Counts by bucket and server; what failed is under `''`. */
function buckets({ drawn }: Result): Map<string, number>[] {
  const filled: Map<string, number>[] = [];
  for (const { end, server = '' } of drawn) {
    const index = Math.max(0, Math.floor(end / BUCKET_MS));
    const bucket = (filled[index] ??= new Map<string, number>());
    bucket.set(server, (bucket.get(server) ?? 0) + 1);
  }
  return Array.from(filled, (bucket) => bucket ?? new Map<string, number>());
}

function bars(counts: readonly Map<string, number>[], servers: readonly string[], { x, y }: Scale): string {
  const width = (x(BUCKET_MS) - x(0)).toFixed(2);
  return counts
    .map((bucket, index) => {
      let below = 0;
      return [...servers, '']
        .filter((server) => bucket.has(server))
        .map((server) => {
          const count = bucket.get(server)!;
          const [top, base] = [y(below + count), y(below)];
          below += count;
          const fill = server === '' ? FAILED : colourOf(servers, server);
          return `<rect x="${x(index * BUCKET_MS).toFixed(2)}" y="${top.toFixed(1)}" width="${width}" height="${(base - top).toFixed(1)}" fill="${fill}"/>`;
        })
        .join('');
    })
    .join('');
}

function marks(entries: readonly Entry[], { x, y }: Scale): string {
  const faults = entries.filter(({ kind }) => kind === 'fault');
  const lines = faults.map(({ at, text }, index) => {
    const level = 14 + (index % 5) * 14;
    const place = x(at);
    const anchor = place > WIDTH * 0.6 ? 'end' : 'start';
    return (
      `<line x1="${place.toFixed(1)}" x2="${place.toFixed(1)}" y1="${level}" y2="${y(0)}" class="fault"/>` +
      `<text x="${(place + (anchor === 'end' ? -4 : 4)).toFixed(1)}" y="${level + 4}" text-anchor="${anchor}" class="fault">${escape(text.slice(0, 80))}</text>`
    );
  });
  const roles = entries.filter(({ event, role }) => event === 'role' && role !== undefined);
  const points = roles.map(({ at, text, node, role }) => {
    const place = x(at).toFixed(1);
    const shape =
      role === 'dispatcher'
        ? `M${place} ${TOP - 4}l-5 -9h10z`
        : `M${place} ${TOP - 13}l4 4.5l-4 4.5l-4 -4.5z`;
    return `<path d="${shape}" class="${role === 'dispatcher' ? 'dispatcher' : 'role'}"><title>${at} ms, ${escape(`${node}: ${text}`)}</title></path>`;
  });
  return lines.join('') + points.join('');
}

function axes({ x, y, endMs }: Scale, most: number): string {
  const step = endMs > 40_000 ? 5000 : endMs > 15_000 ? 2000 : 1000;
  const ticks: string[] = [];
  for (let at = 0; at <= endMs; at += step) {
    ticks.push(`<text x="${x(at).toFixed(1)}" y="${HEIGHT - 8}" text-anchor="middle">${at / 1000} s</text>`);
  }
  const high = `<text x="${LEFT - 6}" y="${y(most) + 4}" text-anchor="end">${most * (1000 / BUCKET_MS)}/s</text>`;
  return `<line x1="${LEFT}" x2="${WIDTH - 8}" y1="${y(0)}" y2="${y(0)}" class="axis"/>${ticks.join('')}${high}`;
}

/** The longest time without a served request. */
function gap({ longestGapAt, longestGapMs }: Result, { x, y }: Scale): string {
  const width = (x(longestGapMs) - x(0)).toFixed(1);
  return `<rect x="${x(longestGapAt).toFixed(1)}" y="${TOP}" width="${width}" height="${y(0) - TOP}" class="gap"/>`;
}

/** An `<svg>` element. */
export function picture(result: Result): string {
  const counts = buckets(result);
  const servers = serversOf(result);
  const totals = counts.map((bucket) => [...bucket.values()].reduce((sum, count) => sum + count, 0));
  const most = Math.max(10, ...totals);
  const endMs = Math.max(counts.length * BUCKET_MS, 1000);
  const scale: Scale = {
    endMs,
    x: (ms) => LEFT + (ms / endMs) * (WIDTH - LEFT - 8),
    y: (count) => HEIGHT - BOTTOM - (count / most) * (HEIGHT - BOTTOM - TOP),
  };
  const entries = result.timeline.filter(({ at }) => at <= endMs);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(result.about)}">${axes(scale, most)}${gap(result, scale)}${bars(counts, servers, scale)}${marks(entries, scale)}</svg>`;
}
