import type { EventKind } from '@ringmaster/node';
import type { Style } from './canvas.js';

/** What should catch the eye. Kinds that a newer node may tell look plain. */
export const EVENT_STYLES: Partial<Readonly<Record<EventKind, Style>>> = {
  role: 'accent',
  rebuild: 'accent',
  health: 'warning',
  drain: 'warning',
  stop: 'warning',
};
