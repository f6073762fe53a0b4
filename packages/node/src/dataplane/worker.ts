/** Entry of the data-plane worker: opens, reports, runs until told to close. */
import { workerData } from 'node:worker_threads';
import { Wake } from 'libnetraw';
import { toProblem } from './errors.js';
import { CommandInbox } from './inbox.js';
import { PacketLoop } from './packetLoop.js';
import { SharedState } from './sharedState.js';
import type { Report, WorkerData } from './types.js';

const { options, ownMac, seed, shared, wakeFd, port } = workerData as WorkerData;
const state = new SharedState(shared);
const report = (message: Report): void => port.postMessage(message);

function open(): PacketLoop | undefined {
  try {
    const onError = (error: unknown): void => report({ type: 'error', problem: toProblem(error) });
    return new PacketLoop({ options, ownMac, seed, shared: state, wake: Wake.of(wakeFd), onError });
  } catch (error) {
    report({ type: 'failed', problem: toProblem(error) });
    return undefined;
  }
}

const loop = open();
if (loop !== undefined) {
  report({ type: 'ready' });
  try {
    loop.run(new CommandInbox(port, state, report));
  } finally {
    loop.close();
  }
}
port.close();
