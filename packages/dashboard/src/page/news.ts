/** What has happened, the newest first. */
import { el } from './dom.js';
import { clock } from './format.js';
import type { News } from './types.js';

export const MOST_NEWS = 60;
const LOUD = ['role', 'rebuild', 'health', 'drain', 'stop'];

export function drawNews({ at, kind, text }: News): HTMLElement {
  return el(
    'li',
    { class: LOUD.includes(kind) ? `news loud ${kind}` : 'news' },
    el('time', { datetime: at }, clock(Date.parse(at))),
    el('span', { class: 'kind' }, kind),
    el('span', { class: 'text' }, text),
  );
}
