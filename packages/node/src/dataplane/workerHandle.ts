import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { Wake } from 'libnetraw';
import { DataPlaneError, toError, toProblem } from './errors.js';
import { fragmentIpv4 } from 'libnetraw/wire';
import { splitPackets, type IpOutput } from './ipOutput.js';
import { SharedState } from './sharedState.js';
import type { Command, Report, RoutedPackets, WorkerData, WorkerOptions } from './types.js';

/** How long a worker may take to leave before it is ended. */
const CLOSE_TIMEOUT_MS = 1000;

/** Open requests by number; each knows how to end when its answer will not come any more. */
interface Pending {
  readonly resolve: (report: Report) => void;
  readonly abandon: () => void;
}

export interface WorkerHandleOptions {
  readonly options: WorkerOptions;
  readonly ownMac: Uint8Array;
  /** Number of the worker, from 0. */
  readonly index: number;
  /** See `WorkerData`. */
  readonly fanoutGroups: readonly number[] | undefined;
  readonly ipOutput: IpOutput;
  /** Trouble that may pass, and the end of the worker by itself, which is `worker-failed`. */
  readonly onError: (error: DataPlaneError) => void;
}

/** A data-plane worker, seen from the main thread: commands in, reports out, and the memory that both see. */
export class WorkerHandle {
  /** Resolves with the worker's fan-out groups once its rings are open; rejects with a `DataPlaneError`. */
  readonly ready: Promise<readonly number[]>;
  readonly shared = new SharedState();
  readonly #given: WorkerHandleOptions;
  readonly #wake = Wake.create();
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #hasExited = false;
  #isClosing = false;

  constructor(given: WorkerHandleOptions) {
    this.#given = given;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const data: WorkerData = {
      options: given.options,
      ownMac: given.ownMac,
      seed: randomBytes(6).readUIntBE(0, 6),
      index: given.index,
      shared: this.shared.buffer,
      wakeFd: this.#wake.fd,
      port: port2,
      fanoutGroups: given.fanoutGroups,
    };
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: 'dataplane',
      workerData: data,
      transferList: [port2],
    });
    this.#worker.on('error', (error: unknown) =>
      given.onError(toError({ ...toProblem(error), code: undefined })),
    );
    this.#exited = once(this.#worker, 'exit').then(() => this.#onExit());
    this.ready = new Promise((resolve, reject) => {
      this.#port.on('message', (report: Report) => {
        if (report.type === 'ready') resolve(report.fanoutGroups);
        else if (report.type === 'failed') reject(toError(report.problem));
        else this.#onReport(report);
      });
      void this.#exited.then(() =>
        reject(new DataPlaneError('worker-failed', 'the data plane did not start')),
      );
    });
  }

  command(command: Command): void {
    if (this.#hasExited) return;
    this.#port.postMessage(command);
    this.shared.announceMail();
    this.#wake.signal();
  }

  /** A command with an answer; `answer(undefined)` when none will come. */
  request<T>(command: (id: number) => Command, answer: (report: Report | undefined) => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.#hasExited) return resolve(answer(undefined));
      const id = ++this.#lastId;
      this.#pending.set(id, {
        resolve: (report) => resolve(answer(report)),
        abandon: () => resolve(answer(undefined)),
      });
      this.command(command(id));
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.shared.requestClose();
    if (!this.#hasExited) this.#wake.signal();
    const timer = setTimeout(() => void this.#worker.terminate(), CLOSE_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #onReport(report: Report): void {
    switch (report.type) {
      case 'error':
        return this.#given.onError(toError(report.problem));
      case 'route':
        return this.#route(report);
      case 'entered':
      case 'examined':
      case 'rows':
        this.#pending.get(report.id)?.resolve(report);
        this.#pending.delete(report.id);
    }
  }

  /** The worker hands over no more than a bounded number of bytes before these are sent. */
  #route({ bytes }: RoutedPackets): void {
    const packets = splitPackets(bytes);
    const whole = packets.reduce((sum, packet) => sum + packet.length, 0);
    this.shared.addRoutedBytesWaiting(whole - bytes.length);
    for (const packet of packets) this.#send(packet);
  }

  /** What is larger than the next link carries, and may be cut, is: a raw IP socket sends nothing that is too large. */
  #send(packet: Uint8Array): void {
    const { inner, outer } = this.#given.options.mtuBytes;
    const fragments = fragmentIpv4(packet, Math.min(inner, outer));
    let waiting = fragments.length;
    for (const fragment of fragments) {
      this.#given.ipOutput.send(fragment, (wasSent) => {
        this.shared.countRouted(wasSent);
        if (--waiting === 0) this.shared.addRoutedBytesWaiting(-packet.length);
      });
    }
  }

  #onExit(): void {
    this.#hasExited = true;
    this.#wake.close();
    this.#port.close();
    for (const { abandon } of this.#pending.values()) abandon();
    this.#pending.clear();
    if (!this.#isClosing) {
      this.#given.onError(new DataPlaneError('worker-failed', 'the data plane ended by itself'));
    }
  }
}
