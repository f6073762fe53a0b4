/** The members as a table, with what can be done about each. */
import { linePath, niceTop, spanOf, type Point } from './chart.js';
import { el, svg } from './dom.js';
import { short } from './format.js';
import { kindOf, type Kind } from './ring.js';
import type { Member, Sample, Status } from './types.js';

export interface Orders {
  /** Absent: this page changes nothing. */
  readonly give?: (action: 'drain' | 'undrain', address: string) => void;
}

const CHIPS: Readonly<Record<Kind, string>> = {
  dispatcher: 'dispatcher',
  server: 'server',
  draining: 'drained',
  out: 'out',
};
const CURVE = { width: 120, height: 26 };
/** Of the past. */
const SPAN_MS = 120_000;

export function drawMembers(
  { ring, address }: Status,
  samples: readonly Sample[],
  nowMs: number,
  orders: Orders,
): HTMLElement {
  const head = ['Member', 'Role', 'Open', 'New/s', 'Queue', 'Last two minutes'];
  if (orders.give !== undefined) head.push('');
  const rows = ring.members.map((member) =>
    drawRow(member, member.address === address, samples, nowMs, orders),
  );
  return el(
    'table',
    {},
    el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col' }, text)))),
    el('tbody', {}, ...rows),
  );
}

function drawRow(
  member: Member,
  isOwn: boolean,
  samples: readonly Sample[],
  nowMs: number,
  orders: Orders,
): HTMLElement {
  const kind = kindOf(member);
  const { address, load, drain, role } = member;
  const number = (label: string, value: number | undefined): HTMLElement =>
    el('td', { class: 'number', 'data-label': label }, value === undefined ? '–' : short(value));
  const chips = [el('span', { class: `chip ${kind}` }, CHIPS[kind])];
  if (kind !== 'dispatcher' && role !== 'server')
    chips.push(el('span', { class: 'chip dispatcher' }, 'dispatcher'));
  if (drain !== undefined) chips.push(el('span', { class: 'left' }, `${drain.connections ?? '?'} left`));
  return el(
    'tr',
    { 'data-member': address },
    el('th', { scope: 'row' }, address, isOwn ? el('span', { class: 'here' }, ' this node') : ''),
    el('td', { 'data-label': 'Role' }, ...chips),
    number('Open', load?.connections),
    number('New/s', load?.newPerSecond),
    number('Queue', load?.acceptQueue),
    el('td', { class: 'curve-cell' }, drawCurve(address, samples, nowMs)),
    ...(orders.give === undefined ? [] : [el('td', { class: 'order' }, orderButton(member, orders.give))]),
  );
}

function orderButton({ address, active, drain }: Member, give: NonNullable<Orders['give']>): Node | string {
  const action = drain === undefined ? 'drain' : 'undrain';
  // Nobody is there who could be told, and nothing to take away.
  if (!active && drain === undefined) return '';
  const button = el(
    'button',
    { type: 'button', 'data-action': action },
    action === 'drain' ? 'Drain' : 'Undrain',
  );
  button.setAttribute('aria-label', `${action} ${address}`);
  button.addEventListener('click', () => give(action, address));
  return button;
}

function drawCurve(address: string, samples: readonly Sample[], nowMs: number): SVGElement {
  const points: Point[] = samples.flatMap(({ atMs, servers }) => {
    const server = servers.find((each) => each.address === address);
    return server === undefined || atMs < nowMs - SPAN_MS ? [] : [{ atMs, value: server.connections }];
  });
  const top = niceTop(Math.max(0, ...points.map(({ value }) => value)));
  const frame = { ...CURVE, fromMs: nowMs - spanOf(samples, nowMs, SPAN_MS), toMs: nowMs, top };
  return svg(
    'svg',
    { viewBox: `0 0 ${CURVE.width} ${CURVE.height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('path', { d: linePath(points, frame), class: 'line' }),
  );
}
