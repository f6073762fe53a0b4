import type { Scenario } from '../scenario.js';
import { inside } from './inside.js';
import { killing } from './kill.js';
import { networks } from './network.js';
import { pausing } from './pause.js';

/** All scenarios. Those of one environment and size stand together: they take over each other's cluster. */
export const scenarios: readonly Scenario[] = [...killing, ...networks, ...inside, ...pausing];
