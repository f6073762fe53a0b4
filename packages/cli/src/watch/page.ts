/** The page that `ringmaster watch` shows, drawn from what is known: no terminal, no clock. */
import type { MemberStatus, StatusDocument } from '@ringmaster/node';
import { drainText } from '../output/statusText.js';
import { EVENT_STYLES } from './eventStyles.js';
import { Canvas, type Style } from './canvas.js';
import type { WatchModel } from './model.js';
import { drawRing, markOf, MOST_AROUND } from './ringView.js';

const BARS = '▁▂▃▄▅▆▇█';
const RING = { width: 46, height: 13 };
/** Below this there is no room for a ring beside the facts. */
const WIDE = 92;
const FACTS_WIDTH = 13;
/** Below the table: a gap, a head, three events. Above: its head. */
const ROWS_BESIDE = 6;

/** The last values as bars of a height of their own scale, newest at the right. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const top = Math.max(1, ...shown);
  return shown
    .map((value) => BARS[Math.min(BARS.length - 1, Math.floor((value / top) * (BARS.length - 1) + 0.5))])
    .join('');
}

/** `1.2k`, `13`, `4.0M` */
export function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (value >= 10_000) return `${(value / 1000).toFixed(0)}k`;
  return value >= 1000 ? `${(value / 1000).toFixed(1)}k` : String(Math.round(value));
}

/** Everything, as lines of at most `width` columns. */
export function page(model: WatchModel, width: number, height: number, colours: boolean): string[] {
  const canvas = new Canvas(width, height);
  const { status } = model;
  drawTitle(canvas, model);
  if (status === undefined) {
    canvas.put(2, 2, model.trouble ?? 'asking the node ...', 'warning');
    return canvas.lines(colours);
  }
  const { members } = status.ring;
  const isAround = width >= WIDE && height >= RING.height + 10 && members.length <= MOST_AROUND;
  if (isAround) drawRing(canvas, { x: 0, y: 2, ...RING }, members, status.address);
  const factsX = isAround ? RING.width + 2 : 2;
  const factsEnd = drawFacts(canvas, model, status, factsX, 2);
  const tableY = Math.max(isAround ? RING.height + 3 : 0, factsEnd + 1);
  const room = Math.max(1, height - tableY - ROWS_BESIDE);
  const tableEnd = drawMembers(canvas, model, status, tableY, room);
  drawEvents(canvas, model, tableEnd + 1);
  return canvas.lines(colours);
}

function drawTitle(canvas: Canvas, { status, trouble }: WatchModel): void {
  canvas.put(0, 0, ' '.repeat(canvas.width), 'title');
  const who = status === undefined ? '' : ` ${status.address}, ${status.role}`;
  const end = canvas.put(0, 0, ` ringmaster${who} `, 'title');
  if (trouble !== undefined && status !== undefined) canvas.put(end + 1, 0, ` ${trouble} `, 'bad');
  const help = 'q quits ';
  if (end + help.length < canvas.width) canvas.put(canvas.width - help.length, 0, help, 'title');
}

type Fact = readonly [name: string, text: string, style?: Style];

function drawFacts(canvas: Canvas, model: WatchModel, status: StatusDocument, x: number, y: number): number {
  const rows = [...ringFacts(status), ...trafficFacts(model, status), ...healthFacts(status)];
  rows.forEach(([name, text, style], row) => {
    canvas.put(x, y + row, name, 'dim');
    canvas.put(x + FACTS_WIDTH, y + row, text, style);
  });
  return y + rows.length;
}

function ringFacts({ ring, rebuild }: StatusDocument): Fact[] {
  const active = ring.members.filter((member) => member.active).length;
  const { dispatcher, members } = ring;
  return [
    dispatcher === null ? ['dispatcher', 'nobody', 'bad'] : ['dispatcher', dispatcher, 'accent'],
    ['members', `${active} of ${members.length} serve`, active === members.length ? 'good' : 'warning'],
    rebuild.state === 'running'
      ? ['map', `${rebuild.percent} % learned`, 'warning']
      : ['map', rebuild.state === 'idle' ? 'its own' : `learned in ${Math.round(rebuild.ms)} ms`],
  ];
}

function trafficFacts({ rates, framesPerSecond }: WatchModel, { connections, role }: StatusDocument): Fact[] {
  if (role === 'server') return [['traffic', 'the dispatcher has it; ask there', 'dim']];
  const { total, established, halfOpen, closing } = connections;
  const states = `${short(established)} open, ${short(halfOpen)} opening, ${short(closing)} closing`;
  return [
    ['connections', `${short(total)}: ${states}`],
    ['new', `${short(rates.newPerSecond)}/s`],
    ['frames', `${short(rates.framesPerSecond).padStart(5)}/s ${sparkline(framesPerSecond, 24)}`],
    [
      'dropped',
      `${short(rates.droppedPerSecond).padStart(5)}/s`,
      rates.droppedPerSecond > 0 ? 'warning' : 'plain',
    ],
  ];
}

function healthFacts({ health = [] }: StatusDocument): Fact[] {
  return health.slice(0, 3).map(({ check, state, lastFailure }) => {
    if (state === 'good') return ['health', `${check} good`, 'good'];
    return state === 'unknown'
      ? ['health', `${check} not asked yet`]
      : ['health', lastFailure ?? check, 'bad'];
  });
}

const COLUMNS = [
  { title: 'MEMBER', x: 4 },
  { title: 'ROLE', x: 21 },
  { title: 'OPEN', x: 33, end: 38 },
  { title: 'NEW/S', x: 40, end: 46 },
  { title: 'QUEUE', x: 48, end: 54 },
  { title: 'LAST MINUTE', x: 57 },
] as const;
const CURVE_WIDTH = 20;

function drawMembers(
  canvas: Canvas,
  model: WatchModel,
  status: StatusDocument,
  y: number,
  room: number,
): number {
  const { members } = status.ring;
  for (const column of COLUMNS) {
    const x = 'end' in column ? column.end - column.title.length : column.x;
    canvas.put(x, y, column.title, 'dim');
  }
  // The last row says how many more there are.
  const shown = members.length > room ? members.slice(0, Math.max(0, room - 1)) : members;
  shown.forEach((member, row) => drawMemberRow(canvas, model, member, y + 1 + row, status.address));
  const rest = members.length - shown.length;
  if (rest > 0) canvas.put(4, y + 1 + shown.length, `and ${rest} more: ringmaster members`, 'dim');
  return y + 1 + shown.length + (rest > 0 ? 1 : 0);
}

function drawMemberRow(
  canvas: Canvas,
  model: WatchModel,
  member: MemberStatus,
  y: number,
  ownAddress: string,
): void {
  const { mark, style } = markOf(member);
  canvas.put(2, y, mark, style);
  canvas.put(4, y, member.address, member.address === ownAddress ? 'bold' : 'plain', 16);
  canvas.put(21, y, member.role, member.role === 'server' ? 'plain' : 'accent', 11);
  const { load, drain } = member;
  const right = (end: number, text: string): void => void canvas.put(end - text.length, y, text);
  right(38, load === undefined ? '?' : short(load.connections));
  right(46, load === undefined ? '?' : short(load.newPerSecond));
  right(54, load === undefined ? '?' : short(load.acceptQueue));
  const note = drain !== undefined ? drainText(drain) : member.active ? '' : 'does not serve';
  // In a narrow terminal what is wrong is worth more than the curve.
  const fits = 57 + CURVE_WIDTH + 2 + note.length <= canvas.width;
  if (fits)
    canvas.put(
      57,
      y,
      sparkline(model.connectionsOf(member), CURVE_WIDTH),
      style === 'accent' ? 'good' : style,
    );
  canvas.put(fits ? 57 + CURVE_WIDTH + 2 : 57, y, note, 'warning');
}

/** The newest at the bottom, as in a log. */
function drawEvents(canvas: Canvas, { events }: WatchModel, y: number): void {
  const rows = canvas.height - y - 1;
  if (rows < 1) return;
  canvas.put(2, y, 'WHAT HAPPENED (UTC)', 'dim');
  events.slice(-rows).forEach(({ at, kind, text }, row) => {
    canvas.put(2, y + 1 + row, at.slice(11, 19), 'dim');
    canvas.put(12, y + 1 + row, text, EVENT_STYLES[kind] ?? 'plain');
  });
}
