import { Worker } from 'node:worker_threads';
import type { InventoryWorkerData } from './inventoryWorker.js';

type WorkerMessage =
  | { readonly kind: 'listening' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'error'; readonly code?: string; readonly message: string };

export interface InventoryServer {
  /** Questions that were not authentic or not understood, so far. */
  readonly refused: number;
  close(): Promise<void>;
}

/**
 * Starts answering other members' questions for this host's connections. Rejects with the system's error when the
 * port cannot be had (`code` EADDRINUSE, EACCES). `onFailure` hears of failures after that.
 */
export function startInventoryServer(
  data: InventoryWorkerData,
  onFailure: (message: string) => void,
): Promise<InventoryServer> {
  const worker = new Worker(new URL('./inventoryWorker.js', import.meta.url), { workerData: data });
  let refused = 0;
  let closing = false;
  const handle: InventoryServer = {
    get refused() {
      return refused;
    },
    close: async () => {
      closing = true;
      await worker.terminate();
    },
  };
  return new Promise((resolve, reject) => {
    worker.on('error', (error) => onFailure(error.message));
    worker.on('exit', () => {
      if (!closing) onFailure('the inventory thread ended');
      reject(new Error('the inventory thread ended'));
    });
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'listening') resolve(handle);
      else if (message.kind === 'refused') refused++;
      else if (message.kind === 'failed') onFailure(message.message);
      else {
        closing = true;
        void worker.terminate();
        reject(Object.assign(new Error(message.message), { code: message.code }));
      }
    });
  });
}
