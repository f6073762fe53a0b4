import { Worker } from 'node:worker_threads';
import type { InventoryChange, InventoryWorkerData, OwnMessage, OwnQuestion } from './inventoryWorker.js';
import type { OwnLoad } from './ownLoad.js';

type WorkerMessage =
  | { readonly kind: 'listening' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'own'; readonly id: number; readonly value?: unknown; readonly failure?: string }
  | { readonly kind: 'error'; readonly code?: string; readonly message: string };

export interface InventoryServer {
  /** Questions that were not authentic or not understood, so far. */
  readonly refused: number;
  /** Lists these places, and opens with these keys, from now on. */
  configure(change: InventoryChange): void;
  /** What the kernel says about the load of this host's services. */
  load(): Promise<OwnLoad>;
  /** Resets all connections to this host's services; resolves with how many. */
  endConnections(): Promise<number>;
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
  const own = new OwnQuestions((question) =>
    worker.postMessage({ kind: 'question', ...question } satisfies OwnMessage),
  );
  let refused = 0;
  let closing = false;
  const handle: InventoryServer = {
    get refused() {
      return refused;
    },
    configure: (change) => worker.postMessage({ kind: 'configure', ...change } satisfies OwnMessage),
    load: () => own.ask('load') as Promise<OwnLoad>,
    endConnections: () => own.ask('end') as Promise<number>,
    close: async () => {
      closing = true;
      own.abandon();
      await worker.terminate();
    },
  };
  return new Promise((resolve, reject) => {
    worker.on('error', (error) => onFailure(error.message));
    worker.on('exit', () => {
      if (!closing) onFailure('the inventory thread ended');
      own.abandon();
      reject(new Error('the inventory thread ended'));
    });
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'listening') resolve(handle);
      else if (message.kind === 'refused') refused++;
      else if (message.kind === 'own') own.settle(message.id, message.value, message.failure);
      else if (message.kind === 'failed') onFailure(message.message);
      else {
        closing = true;
        void worker.terminate();
        reject(Object.assign(new Error(message.message), { code: message.code }));
      }
    });
  });
}

/** Questions of the main thread that the worker has not answered yet, by number. */
class OwnQuestions {
  private readonly post: (question: OwnQuestion) => void;
  private readonly open = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  private last = 0;

  constructor(post: (question: OwnQuestion) => void) {
    this.post = post;
  }

  ask(what: OwnQuestion['what']): Promise<unknown> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.open.set(id, { resolve, reject });
      this.post({ id, what });
    });
  }

  settle(id: number, value: unknown, failure: string | undefined): void {
    const question = this.open.get(id);
    this.open.delete(id);
    if (failure === undefined) question?.resolve(value);
    else question?.reject(new Error(failure));
  }

  /** The worker is gone: nothing is answered any more. */
  abandon(): void {
    for (const { reject } of this.open.values()) reject(new Error('the inventory thread has ended'));
    this.open.clear();
  }
}
