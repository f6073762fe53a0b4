import type { MemberStatus } from '@ringmaster/node';
import type { Canvas, Style } from './canvas.js';

/** More do not fit around a ring of this size; a table tells of them. */
export const MOST_AROUND = 16;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Filled: it serves. Hollow: it does not, or is drained. A square dispatches. */
export function markOf({ role, active, drain }: MemberStatus): { mark: string; style: Style } {
  const dispatches = role !== 'server';
  if (!active) return { mark: dispatches ? '□' : '○', style: 'bad' };
  if (drain !== undefined) return { mark: dispatches ? '□' : '○', style: 'warning' };
  return dispatches ? { mark: '■', style: 'accent' } : { mark: '●', style: 'good' };
}

/** The members around an ellipse, clockwise from the top in the order of the ring; the arrows say where the token goes. */
export function drawRing(
  canvas: Canvas,
  box: Box,
  members: readonly MemberStatus[],
  ownAddress: string,
): void {
  const labels = Math.max(0, ...members.map(({ address }) => address.length + 2));
  const centre = { x: box.x + box.width / 2, y: box.y + (box.height - 1) / 2 };
  const radius = { x: Math.max(4, box.width / 2 - labels - 1), y: Math.max(2, (box.height - 1) / 2) };
  const place = (turn: number): { x: number; y: number } => {
    const angle = 2 * Math.PI * turn - Math.PI / 2;
    return { x: centre.x + radius.x * Math.cos(angle), y: centre.y + radius.y * Math.sin(angle) };
  };
  const dots = Math.round(4 * (radius.x + radius.y));
  for (let i = 0; i < dots; i++) {
    const { x, y } = place(i / dots);
    canvas.put(x, y, '·', 'dim');
  }
  const count = members.length;
  for (let i = 0; count > 1 && i < count; i++) {
    const turn = (i + 0.5) / count;
    const { x, y } = place(turn);
    canvas.put(x, y, arrowAt(turn), 'dim');
  }
  members.forEach((member, i) => drawMember(canvas, member, place(i / count), centre, ownAddress));
}

/** Clockwise: to the right at the top, down on the right side, and so on. */
function arrowAt(turn: number): string {
  return ['→', '↓', '↓', '←', '←', '↑', '↑', '→'][Math.floor(((turn % 1) * 8) % 8)];
}

/** The label stands outside the ring, on the side where there is room. */
function drawMember(
  canvas: Canvas,
  member: MemberStatus,
  at: { x: number; y: number },
  centre: { x: number; y: number },
  ownAddress: string,
): void {
  const { mark, style } = markOf(member);
  const x = Math.round(at.x);
  const address = ` ${member.address} `;
  const label: Style = member.address === ownAddress ? 'bold' : member.active ? 'plain' : 'dim';
  const isLeft = x < Math.round(centre.x);
  canvas.put(isLeft ? x - address.length : x + 1, at.y, address, label);
  canvas.put(x, at.y, mark, style);
}
