/** Nodes that stand still and go on as if nothing had been. */
import { noOtherDispatches, noneLostOnSurvivors, nothingOf, servedInTheEnd } from '../holds.js';
import type { Environment } from '../cluster.js';
import type { Pick, Scenario, Step } from '../scenario.js';
import { calm, choose, doing, freeze, noted, pause, theDispatcher, untilOneRing } from '../steps.js';

/** Who comes back stays a server, so that all dispatching after the pause is wrong. */
const NO_PREEMPTION: Environment = { RINGMASTER_CONFIG_JSON: '{"ring":{"preempt":false}}' };

const SLEEPER = 'the sleeper';
const STRAY = 'frames that the sleeper passed on as dispatcher after it woke up';

const forwardedBy = async (pick: Pick, stage: Parameters<Step['run']>[0]): Promise<number> => {
  const [node] = await pick.find(stage);
  return (await node.status())?.counters.forwarded ?? 0;
};

const noteForwarded = doing('note what the sleeper has passed on', async (stage) => {
  stage.notes.set('forwarded before', await forwardedBy(noted(SLEEPER), stage));
});

/** What was in its ring of frames when it fell asleep comes out again: only what came later counts. */
const compareForwarded = doing('compare', async (stage) => {
  const now = await forwardedBy(noted(SLEEPER), stage);
  stage.notes.set(STRAY, now - (stage.notes.get('forwarded once awake') as number));
});

const noteAwake = doing('note it again, half a second after', async (stage) => {
  stage.notes.set('forwarded once awake', await forwardedBy(noted(SLEEPER), stage));
});

export const pausing: readonly Scenario[] = [
  {
    name: 'freeze',
    about:
      "The dispatcher's process stands still for 5 s (SIGSTOP), wakes up, and finds that another dispatches.",
    environment: NO_PREEMPTION,
    steps: [
      choose(theDispatcher, SLEEPER),
      noteForwarded,
      freeze(noted(SLEEPER), 5000, 'awake'),
      calm(500),
      noteAwake,
      untilOneRing,
      calm(2500),
      compareForwarded,
    ],
    holds: [
      noneLostOnSurvivors,
      servedInTheEnd,
      noOtherDispatches('awake', `${SLEEPER} address`),
      nothingOf(STRAY),
    ],
  },
  {
    name: 'pause',
    about: "The dispatcher's whole container stands still for 5 s (docker pause), and goes on.",
    environment: NO_PREEMPTION,
    steps: [pause(theDispatcher, 5000), untilOneRing, calm(6000)],
    holds: [noneLostOnSurvivors, servedInTheEnd],
  },
];
