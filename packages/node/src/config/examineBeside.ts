import { statSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { examineConfig, type Examined } from './examine.js';

/** Takes a few milliseconds. The largest that there can be takes half a second, and heartbeats do not wait so long. */
const SMALL_BYTES = 16 * 1024;

/** The same as {@link examineConfig}, for a node that runs: large files are read in a thread of their own. */
export async function examineBeside(file: string): Promise<Examined> {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= SMALL_BYTES) return examineConfig(file);
  const worker = new Worker(new URL(import.meta.url), { workerData: { examine: file } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`the thread that reads ${file} has ended`)));
  });
}

const asked = workerData as { readonly examine?: string } | null;
if (!isMainThread && typeof asked?.examine === 'string')
  parentPort?.postMessage(examineConfig(asked.examine));
