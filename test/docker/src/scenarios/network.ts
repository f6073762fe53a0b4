/** Networks that fail. */
import { noFailedRequest, noneLostOnSurvivors, nobodyNotices, nothingOf, servedInTheEnd } from '../holds.js';
import { disconnect, flood, garbage, heal, loss, noLoss, partition, reconnect } from '../network.js';
import { PATIENT } from '../environments.js';
import type { Scenario } from '../scenario.js';
import {
  calm,
  choose,
  everyone,
  noted,
  theDispatcher,
  theSmallerHalf,
  untilOneRing,
  untilRingWithout,
} from '../steps.js';

export const networks: readonly Scenario[] = [
  {
    name: 'disconnect',
    about: "The dispatcher's cable is pulled, and put back after others have taken over.",
    steps: [
      choose(theDispatcher, 'the one cut off'),
      disconnect(noted('the one cut off')),
      untilRingWithout(noted('the one cut off')),
      calm(2000),
      reconnect(noted('the one cut off')),
      untilOneRing,
      calm(2000),
    ],
    holds: [noneLostOnSurvivors, servedInTheEnd],
  },
  {
    name: 'partition',
    about: 'The network falls into halves, each with a dispatcher, and heals.',
    steps: [
      choose(theSmallerHalf, 'the smaller half'),
      partition(noted('the smaller half')),
      untilRingWithout(noted('the smaller half')),
      calm(2000),
      heal(noted('the smaller half')),
      untilOneRing,
      calm(2000),
    ],
    holds: [noneLostOnSurvivors, servedInTheEnd],
  },
  {
    name: 'loss',
    about: 'Every node loses a fifth of what comes in.',
    steps: [loss(everyone, 20), calm(8000), noLoss(everyone), untilOneRing, calm(5000)],
    holds: [noneLostOnSurvivors, servedInTheEnd],
  },
  {
    name: 'syn-flood',
    about: 'Connection requests with random senders come in by the thousand.',
    steps: [flood(5000, 5), untilOneRing, calm(2000)],
    holds: [noneLostOnSurvivors, servedInTheEnd],
  },
  {
    name: 'garbage',
    about: 'Somebody sends random bytes to the ring port of all nodes.',
    environment: PATIENT,
    steps: [garbage(4), untilOneRing, calm(1500)],
    holds: [
      noneLostOnSurvivors,
      noFailedRequest,
      nobodyNotices,
      nothingOf('nodes that did not count garbage as refused'),
    ],
  },
];
