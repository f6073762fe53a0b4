/** Entry of a data-plane worker: opens, reports, runs until told to close. */
import { workerData } from 'node:worker_threads';
import { clientFanout, Wake, type FanoutOptions } from 'libnetraw';
import { toProblem } from './errors.js';
import { CommandInbox } from './inbox.js';
import { PacketLoop } from './packetLoop.js';
import { clientPrefixes, gatewayMacsOf } from './partition.js';
import { SharedState } from './sharedState.js';
import { RINGS_OF_TAP } from './tap.js';
import type { Report, WorkerData } from './types.js';

const { options, ownMac, seed, index, shared, wakeFd, port, fanoutGroups } = workerData as WorkerData;
const state = new SharedState(shared);
const report = (message: Report): void => port.postMessage(message);

/** One group a ring: the first worker founds it, the others join in their order. Nothing to share with one worker. */
function fanouts(): FanoutOptions[] {
  if (fanoutGroups === undefined) return [];
  const { clusters, outside } = options;
  const by = clientFanout({ gatewayMacs: gatewayMacsOf(clusters), ...clientPrefixes(clusters) });
  const taps = outside === undefined ? 1 : 2;
  return Array.from({ length: taps * RINGS_OF_TAP }, (_, ring) =>
    fanoutGroups.length === 0 ? { by } : { by, group: fanoutGroups[ring] },
  );
}

function open(): PacketLoop | undefined {
  try {
    return new PacketLoop({
      options,
      ownMac,
      seed,
      index,
      shared: state,
      wake: Wake.of(wakeFd),
      fanouts: fanouts(),
      onError: (error) => report({ type: 'error', problem: toProblem(error) }),
      onRoute: (packets) => port.postMessage(packets, [packets.bytes.buffer as ArrayBuffer]),
    });
  } catch (error) {
    report({ type: 'failed', problem: toProblem(error) });
    return undefined;
  }
}

const loop = open();
if (loop !== undefined) {
  report({ type: 'ready', fanoutGroups: loop.fanoutGroups });
  try {
    loop.run(new CommandInbox(port, state, report));
  } finally {
    loop.close();
  }
}
port.close();
