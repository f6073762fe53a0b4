import { Worker } from 'node:worker_threads';
import type { NodeRange, RunResult } from '@ringmaster/simulator';

export interface WorkOrder {
  readonly nodes: NodeRange;
  readonly sabotage: string | undefined;
}

export interface PoolOptions extends WorkOrder {
  readonly jobs: number;
  readonly from: number;
  readonly seeds: number;
  readonly onResult: (result: RunResult) => void;
}

/** Seeds that a worker has in hand: enough that it never waits, few enough that all end together. */
const BATCH = 4;

/** Spreads the seeds over workers. Resolves when all are done; rejects when a worker fails. */
export async function runSeeds(options: PoolOptions): Promise<void> {
  const { jobs, from, seeds, onResult, nodes, sabotage } = options;
  let next = from;
  const end = from + seeds;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { nodes, sabotage } });
      let inHand = 0;
      const give = (): void => {
        const batch: number[] = [];
        while (inHand + batch.length < BATCH && next < end) batch.push(next++);
        inHand += batch.length;
        if (batch.length > 0) worker.postMessage(batch);
        else if (inHand === 0) void worker.terminate().then(() => resolve());
      };
      worker.on('message', (result: RunResult) => {
        inHand--;
        onResult(result);
        give();
      });
      worker.on('error', reject);
      give();
    });
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, seeds)) }, work));
}
