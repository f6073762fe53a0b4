import { parentPort, workerData } from 'node:worker_threads';
import { generate, run, SABOTAGES } from '@ringmaster/simulator';
import type { WorkOrder } from './pool.js';

/** Runs the seeds it is given; one message per seed. */
const { nodes, sabotage } = workerData as WorkOrder;
const broken =
  sabotage === undefined ? {} : { sabotage: SABOTAGES[sabotage] as NonNullable<(typeof SABOTAGES)[string]> };

parentPort?.on('message', (seeds: readonly number[]) => {
  for (const seed of seeds) parentPort?.postMessage(run(generate(seed, nodes), broken));
});
