/** Trouble inside the hosts. */
import type { Environment } from '../cluster.js';
import { noFailedRequest, noneLostOnSurvivors, servedInTheEnd } from '../holds.js';
import { fillLogDisk, toggleService, useKeys } from '../inside.js';
import { PATIENT } from '../environments.js';
import type { Scenario } from '../scenario.js';
import {
  aServer,
  calm,
  choose,
  everyone,
  kill,
  noted,
  restartOneByOne,
  theDispatcher,
  untilOneRing,
  untilRingWithout,
} from '../steps.js';

const LOGS_ON_SMALL_DISK: Environment = {
  RINGMASTER_LOG_FILE: '/var/log/ringmaster/node.log',
  RINGMASTER_LOG_LEVEL: 'debug',
};

export const inside: readonly Scenario[] = [
  {
    name: 'service-500',
    about: 'The service of one node answers 500: the node leaves the ring until it is well.',
    steps: [
      choose(aServer, 'the ill one'),
      toggleService(noted('the ill one'), 'ill'),
      untilRingWithout(noted('the ill one')),
      calm(2000),
      toggleService(noted('the ill one'), 'well'),
      untilOneRing,
      calm(1500),
    ],
    holds: [noneLostOnSurvivors, servedInTheEnd],
  },
  {
    name: 'full-disk',
    about: 'No log line can be written any more, on any node; then the dispatcher is killed.',
    environment: LOGS_ON_SMALL_DISK,
    steps: [fillLogDisk(everyone), calm(1000), kill(theDispatcher), untilOneRing, calm(2000)],
    holds: [noneLostOnSurvivors, servedInTheEnd],
  },
  {
    name: 'key-rotation',
    about: 'The cluster gets another key, in three rounds of restarts, and nobody is locked out.',
    environment: PATIENT,
    nodes: 3,
    steps: [
      useKeys('cluster.key', 'new.key'),
      restartOneByOne(everyone),
      useKeys('new.key', 'cluster.key'),
      restartOneByOne(everyone),
      useKeys('new.key'),
      restartOneByOne(everyone),
      calm(1500),
    ],
    holds: [noFailedRequest, servedInTheEnd],
  },
];
