/** Nodes that end, and come back. */
import { noFailedRequest, noneLostOnSurvivors, nothingOf, servedInTheEnd } from '../holds.js';
import { LEFT, stopCleanly } from '../inside.js';
import { PATIENT } from '../environments.js';
import type { Scenario } from '../scenario.js';
import {
  allButOne,
  calm,
  everyone,
  kill,
  restartOneByOne,
  scale,
  startAllThatEnded,
  theDispatcher,
  untilOneRing,
} from '../steps.js';

export const killing: readonly Scenario[] = [
  {
    name: 'kill',
    about: 'The dispatcher is killed with kill -9, its host with it.',
    steps: [kill(theDispatcher), untilOneRing, calm(2000)],
    holds: [noneLostOnSurvivors, servedInTheEnd],
  },
  {
    name: 'stop',
    about: 'The dispatcher is stopped: it is drained, hands over, leaves, and leaves nothing behind.',
    environment: PATIENT,
    steps: [stopCleanly(theDispatcher), untilOneRing, calm(2000)],
    holds: [noneLostOnSurvivors, noFailedRequest, servedInTheEnd, nothingOf(LEFT)],
  },
  {
    name: 'all-but-one',
    about: 'All nodes but one are killed at the same moment.',
    steps: [kill(allButOne), untilOneRing, calm(2000)],
    holds: [noneLostOnSurvivors, servedInTheEnd],
  },
  {
    name: 'cold-start',
    about: 'The power fails everywhere, and all nodes start at the same moment.',
    steps: [kill(everyone), startAllThatEnded, untilOneRing, calm(2500)],
    holds: [servedInTheEnd],
  },
  {
    name: 'scale',
    about: 'Four nodes are added under load, then four are taken away.',
    environment: PATIENT,
    nodes: 3,
    steps: [scale(7), calm(1500), scale(3), calm(1500)],
    holds: [noneLostOnSurvivors, noFailedRequest, servedInTheEnd],
  },
  {
    name: 'rolling-restart',
    about: 'All nodes are restarted, one after the other, as an upgrade does it.',
    environment: PATIENT,
    nodes: 3,
    steps: [restartOneByOne(everyone), calm(1500)],
    holds: [noFailedRequest, servedInTheEnd],
  },
];
