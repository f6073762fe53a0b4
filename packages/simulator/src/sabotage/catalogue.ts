import type { Sabotage } from './sabotage.js';

/** By name; each is made anew for each run. */
export const SABOTAGES: Readonly<Record<string, () => Sabotage>> = {};
