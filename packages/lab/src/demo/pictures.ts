import type { RequestEvent } from '../load/events.js';

/** A node as the pictures show it. */
export interface Seat {
  readonly name: string;
  readonly state: 'dispatcher' | 'server' | 'dead';
}

const LABEL: Readonly<Record<Seat['state'], string>> = {
  dispatcher: 'dispatches + serves',
  server: 'serves',
  dead: 'dead',
};

/**
 * The ring as text, three lines, plus a line for the dead:
 *
 *     ┌─> n1 ────> n2 ────> n3 ─┐
 *     │   dispatches + serves ...
 *     └─────────────────────────┘
 */
export function ringPicture(seats: readonly Seat[]): string[] {
  const living = seats.filter(({ state }) => state !== 'dead');
  const dead = seats.filter(({ state }) => state === 'dead');
  const cells = living.map(({ name, state }) => {
    const width = Math.max(name.length, LABEL[state].length);
    return { top: `${name} `.padEnd(width, '─'), below: LABEL[state].padEnd(width) };
  });
  const top = `┌─> ${cells.map(({ top: text }) => text).join('──> ')}─┐`;
  const middle = `│   ${cells.map(({ below }) => below).join('    ')} │`;
  const bottom = `└${'─'.repeat(top.length - 2)}┘`;
  const lines = living.length === 0 ? [] : [top, middle, bottom];
  if (dead.length > 0) lines.push(`out of the ring: ${dead.map(({ name }) => name).join(', ')}`);
  return lines;
}

/** One bar per name; the longest is `width` characters. */
export function bars(values: Readonly<Record<string, number>>, width = 40): string[] {
  const entries = Object.entries(values).sort(([one], [other]) => one.localeCompare(other));
  const most = Math.max(1, ...entries.map(([, value]) => value));
  const nameWidth = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => {
    const bar = '█'.repeat(Math.round((value / most) * width));
    return `${name.padEnd(nameWidth)} ${bar.padEnd(width)} ${value}`;
  });
}

/**
 * Requests over time, a character for every `slotMs` from `fromMs` to `toMs`: `█` all that were started in it were
 * served, `x` one or more failed, a blank when none was started.
 */
export function timeline(
  requests: readonly RequestEvent[],
  fromMs: number,
  toMs: number,
  slotMs: number,
): string {
  const slots = Array.from({ length: Math.max(0, Math.ceil((toMs - fromMs) / slotMs)) }, () => ' ');
  for (const { start, server } of requests) {
    const slot = Math.floor((start - fromMs) / slotMs);
    if (slot < 0 || slot >= slots.length) continue;
    if (server === undefined) slots[slot] = 'x';
    else if (slots[slot] === ' ') slots[slot] = '█';
  }
  return slots.join('');
}
