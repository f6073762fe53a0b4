/** Nodes that stand still and go on as if nothing had been. */
import { noOtherDispatches, noneLostOnSurvivors, nothingOf, servedInTheEnd } from '../holds.js';
import { compareForwarded, countForwarded, watchForwarded } from '../network.js';
import type { Environment } from '../cluster.js';
import type { Condition, Scenario, Step } from '../scenario.js';
import { calm, choose, freeze, noted, pause, thaw, theDispatcher, unpause, untilOneRing } from '../steps.js';

/** Who comes back stays a server, so that all dispatching after the pause is wrong. */
const NO_PREEMPTION: Environment = { RINGMASTER_CONFIG_JSON: '{"ring":{"preempt":false}}' };

const SLEEPER = 'the sleeper';
const STRAY = 'frames that the sleeper passed on as dispatcher after it woke up';

/** What it has sent for the cluster address is counted by this machine, when it stands still and in the end: not one more. */
const sleepFor5s = (fall: Step, rise: Step): readonly Step[] => [
  choose(theDispatcher, SLEEPER),
  watchForwarded(noted(SLEEPER)),
  calm(500),
  fall,
  calm(5000),
  countForwarded(noted(SLEEPER)),
  rise,
  untilOneRing,
  calm(2500),
  compareForwarded(noted(SLEEPER), STRAY),
];

const HOLDS: readonly Condition[] = [
  noneLostOnSurvivors,
  servedInTheEnd,
  noOtherDispatches('awake', SLEEPER),
  nothingOf(STRAY),
];

export const pausing: readonly Scenario[] = [
  {
    name: 'freeze',
    about:
      "The dispatcher's process stands still for 5 s (SIGSTOP), wakes up, and finds that another dispatches.",
    environment: NO_PREEMPTION,
    steps: sleepFor5s(freeze(noted(SLEEPER)), thaw(noted(SLEEPER), 'awake')),
    holds: HOLDS,
  },
  {
    name: 'pause',
    about: "The dispatcher's whole container stands still for 5 s (docker pause), and goes on.",
    environment: NO_PREEMPTION,
    steps: sleepFor5s(pause(noted(SLEEPER)), unpause(noted(SLEEPER), 'awake')),
    holds: HOLDS,
  },
];
