/** The ring as a picture. */
import { svg } from './dom.js';
import type { Member, Status } from './types.js';

const SIZE = 340;
const MIDDLE = SIZE / 2;
const RADIUS = 112;
/** Beyond this, labels would lie over each other: only the dispatcher's and the own one are written. */
const MOST_LABELS = 24;

export type Kind = 'dispatcher' | 'server' | 'draining' | 'out';

/** What a member is, in one word. */
export function kindOf({ role, active, drain }: Member): Kind {
  if (!active) return 'out';
  if (drain !== undefined) return 'draining';
  return role === 'server' ? 'server' : 'dispatcher';
}

/** Clockwise from the top. */
export function placeOf(index: number, count: number, radius = RADIUS): { x: number; y: number } {
  const angle = (2 * Math.PI * index) / Math.max(1, count) - Math.PI / 2;
  return { x: MIDDLE + radius * Math.cos(angle), y: MIDDLE + radius * Math.sin(angle) };
}

const WORDS: Readonly<Record<Kind, string>> = {
  dispatcher: 'dispatches',
  server: 'serves',
  draining: 'is drained',
  out: 'does not serve',
};

export function drawRing({ ring, address }: Status): SVGElement {
  const { members } = ring;
  const count = members.length;
  const said = members.map((member) => `${member.address} ${WORDS[kindOf(member)]}`).join(', ');
  const picture = svg('svg', {
    ...{ viewBox: `0 0 ${SIZE} ${SIZE}`, role: 'img', class: 'ring' },
    'aria-label': `Ring of ${count}: ${said}`,
  });
  picture.append(svg('circle', { cx: MIDDLE, cy: MIDDLE, r: RADIUS, class: 'track' }));
  if (count > 1) picture.append(svg('circle', { cx: MIDDLE, cy: MIDDLE, r: RADIUS, class: 'token' }));
  const active = members.filter((member) => member.active).length;
  picture.append(
    svg('text', { x: MIDDLE, y: MIDDLE - 4, class: 'count' }, `${active} of ${count}`),
    svg('text', { x: MIDDLE, y: MIDDLE + 18, class: 'count-unit' }, 'serve'),
  );
  members.forEach((member, index) =>
    picture.append(drawMember(member, index, count, member.address === address)),
  );
  return picture;
}

function drawMember(member: Member, index: number, count: number, isOwn: boolean): SVGElement {
  const kind = kindOf(member);
  const { x, y } = placeOf(index, count);
  const size = count > 60 ? 4 : count > MOST_LABELS ? 7 : 11;
  const group = svg('g', { class: `member ${kind}${isOwn ? ' own' : ''}` });
  group.append(svg('title', {}, `${member.address} ${WORDS[kind]}`));
  group.append(
    kind === 'dispatcher'
      ? svg('rect', { x: x - size, y: y - size, width: 2 * size, height: 2 * size, rx: 3 })
      : svg('circle', { cx: x, cy: y, r: size }),
  );
  if (count > MOST_LABELS && kind !== 'dispatcher' && !isOwn) return group;
  const label = placeOf(index, count, RADIUS + 20);
  const anchor = Math.abs(label.x - MIDDLE) < 12 ? 'middle' : label.x < MIDDLE ? 'end' : 'start';
  const lift = anchor === 'middle' ? (label.y < MIDDLE ? -2 : 12) : 4;
  group.append(
    svg('text', { x: label.x, y: label.y + lift, 'text-anchor': anchor }, shortName(member.address)),
  );
  return group;
}

/** The end of an address tells members apart; all of it stands in the table. */
function shortName(address: string): string {
  const parts = address.split('.');
  return parts.length === 4 ? `.${parts[3]}` : address;
}
