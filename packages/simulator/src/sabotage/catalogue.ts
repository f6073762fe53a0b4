import * as other from './otherSabotages.js';
import * as ring from './ringSabotages.js';
import type { Sabotage } from './sabotage.js';

const ALL: readonly (() => Sabotage)[] = [...Object.values(ring), ...Object.values(other)];

/** By name; each is made anew for each run. */
export const SABOTAGES: Readonly<Record<string, () => Sabotage>> = Object.fromEntries(
  ALL.map((make) => [make().name, make]),
);
