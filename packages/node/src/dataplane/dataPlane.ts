import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { findLink, Wake } from 'libnetraw';
import type { ConnectionRow, DispatchMode, ServerInfo } from '@ringmaster/dispatch';
import { monotonicMs } from './clock.js';
import { DataPlaneError, toError, toProblem } from './errors.js';
import { SharedState } from './sharedState.js';
import type {
  Command,
  ConnectionList,
  DataPlaneOptions,
  DataPlaneStats,
  EnterReport,
  Report,
  WorkerData,
} from './types.js';

/** How long a worker may take to leave before it is ended. */
const CLOSE_TIMEOUT_MS = 1000;

/**
 * The packets' side of a node, in a thread of its own. Commands are applied in the order of their calls; none of them
 * waits for packets, and packets do not wait for them.
 */
export interface DataPlane {
  /**
   * - `off` (at first): no frame is looked at, the network card does not know the virtual MACs, the connection map is
   *   forgotten. Connections may be entered already, for a takeover with a complete map.
   * - `dispatch`: frames to the virtual MACs are dispatched, ARP requests are answered - while the lease lasts.
   * - `stray`: known connections go on to their servers, the rest goes out again towards the new dispatcher.
   */
  setRole(role: DispatchMode): void;
  /** Makes `servers` the servers; those that are missing get no new connections any more. */
  setServers(servers: readonly ServerInfo[]): void;
  /** On: frames of unknown connections wait. Either way those that wait already are looked at once more. */
  hold(on: boolean): void;
  /**
   * Enters the connections that a server has. The list is copied. Resolves when all are in the map; later commands are
   * applied after that.
   * @param server address of the server, as an unsigned number
   */
  enter(server: number, list: ConnectionList): Promise<EnterReport>;
  /** Up to `limit` connections of the map. */
  snapshot(limit: number): Promise<ConnectionRow[]>;
  /** Resolves when every command so far has been applied. */
  settled(): Promise<void>;
  /** Reads shared memory: cheap, and at most one turn of the worker behind. */
  stats(): DataPlaneStats;
  /**
   * Lets the worker dispatch until a point of the clock `monotonicMs`. When it is over - nobody renewed it, because this
   * process was stopped, say - frames are dropped and counted (`leaseExpired`). There is no lease at first.
   *
   * Who renews too late is refused once: only the next call counts again. In between every timer that was due has run, so
   * that the ring, too, has noticed the pause and can say what this node is now (R14).
   * @returns false if it was refused
   */
  renewLease(untilMs: number): boolean;
  /** Trouble while it runs: `interface-down`, which may pass, or `worker-failed`, after which nothing is dispatched. */
  onError(listener: (error: DataPlaneError) => void): void;
  /** Ends the worker; the network card is as before. Open promises resolve with what is known. */
  close(): Promise<void>;
}

/**
 * Starts the data plane of a node, in role `off`.
 * @throws DataPlaneError `not-permitted`, `no-such-interface`, `system`
 */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const link = findLink(options.interface);
  if (link === undefined) {
    throw new DataPlaneError('no-such-interface', `there is no network interface ${options.interface}`);
  }
  const plane = new WorkerDataPlane(options, link.mac);
  await plane.ready;
  return plane;
}

/** Open requests by number; each knows how to end when its answer will not come any more. */
interface Pending {
  readonly resolve: (report: Report) => void;
  readonly abandon: () => void;
}

class WorkerDataPlane implements DataPlane {
  readonly ready: Promise<void>;
  readonly #shared = new SharedState();
  readonly #wake = Wake.create();
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners: ((error: DataPlaneError) => void)[] = [];
  /** Whether the next lease is the first since this node last did not dispatch, so that it cannot be late. */
  #isNewTerm = true;
  #lastId = 0;
  #hasExited = false;
  #isClosing = false;

  constructor(options: DataPlaneOptions, ownMac: Uint8Array) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const data: WorkerData = {
      options,
      ownMac,
      seed: randomBytes(6).readUIntBE(0, 6),
      shared: this.#shared.buffer,
      wakeFd: this.#wake.fd,
      port: port2,
    };
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: 'dataplane',
      workerData: data,
      transferList: [port2],
    });
    this.#worker.on('error', (error: unknown) =>
      this.#fail(toError({ ...toProblem(error), code: undefined })),
    );
    this.#exited = once(this.#worker, 'exit').then(() => this.#onExit());
    this.ready = new Promise((resolve, reject) => {
      this.#port.on('message', (report: Report) => {
        if (report.type === 'ready') resolve();
        else if (report.type === 'failed') reject(toError(report.problem));
        else this.#onReport(report);
      });
      void this.#exited.then(() =>
        reject(new DataPlaneError('worker-failed', 'the data plane did not start')),
      );
    });
  }

  setRole(role: DispatchMode): void {
    if (role !== 'dispatch') this.#isNewTerm = true;
    this.#command({ type: 'role', role });
  }

  setServers(servers: readonly ServerInfo[]): void {
    this.#command({ type: 'servers', servers });
  }

  hold(on: boolean): void {
    this.#command({ type: 'hold', on });
  }

  enter(server: number, list: ConnectionList): Promise<EnterReport> {
    const copy = copyOf(list);
    const nothing = { entered: 0, known: 0, moved: 0, refused: list.count };
    return this.#request(
      (id) => ({ type: 'enter', id, server, list: copy }),
      (report) => (report?.type === 'entered' ? report.report : nothing),
    );
  }

  snapshot(limit: number): Promise<ConnectionRow[]> {
    return this.#request(
      (id) => ({ type: 'snapshot', id, limit }),
      (report) => (report?.type === 'rows' ? report.rows : []),
    );
  }

  async settled(): Promise<void> {
    await this.snapshot(0);
  }

  stats(): DataPlaneStats {
    return this.#shared.read();
  }

  renewLease(untilMs: number): boolean {
    const { leaseUntilMs } = this.#shared;
    const isTooLate = !this.#isNewTerm && monotonicMs() >= leaseUntilMs;
    this.#isNewTerm = isTooLate;
    this.#shared.leaseUntilMs = isTooLate ? 0 : untilMs;
    return !isTooLate;
  }

  onError(listener: (error: DataPlaneError) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#shared.requestClose();
    if (!this.#hasExited) this.#wake.signal();
    const timer = setTimeout(() => void this.#worker.terminate(), CLOSE_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #command(command: Command): void {
    if (this.#hasExited) return;
    this.#port.postMessage(command);
    this.#shared.announceMail();
    this.#wake.signal();
  }

  #request<T>(command: (id: number) => Command, answer: (report: Report | undefined) => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.#hasExited) return resolve(answer(undefined));
      const id = ++this.#lastId;
      this.#pending.set(id, {
        resolve: (report) => resolve(answer(report)),
        abandon: () => resolve(answer(undefined)),
      });
      this.#command(command(id));
    });
  }

  #onReport(report: Report): void {
    if (report.type === 'error') return this.#fail(toError(report.problem));
    if (report.type !== 'entered' && report.type !== 'rows') return;
    this.#pending.get(report.id)?.resolve(report);
    this.#pending.delete(report.id);
  }

  #fail(error: DataPlaneError): void {
    for (const listener of this.#listeners) listener(error);
  }

  #onExit(): void {
    this.#hasExited = true;
    this.#wake.close();
    this.#port.close();
    for (const { abandon } of this.#pending.values()) abandon();
    this.#pending.clear();
    if (!this.#isClosing) this.#fail(new DataPlaneError('worker-failed', 'the data plane ended by itself'));
  }
}

/** The rows of a list, without what columns have behind them. */
function copyOf(list: ConnectionList): ConnectionList {
  const { count } = list;
  const columns = {
    count,
    localPort: list.localPort.slice(0, count),
    clientPort: list.clientPort.slice(0, count),
    state: list.state.slice(0, count),
  };
  if (list.family === 4) {
    const { family, localAddress, clientAddress } = list;
    return {
      ...columns,
      family,
      localAddress: localAddress.slice(0, count),
      clientAddress: clientAddress.slice(0, count),
    };
  }
  const { family, localAddress, clientAddress } = list;
  const end = count * 16;
  return {
    ...columns,
    family,
    localAddress: localAddress.slice(0, end),
    clientAddress: clientAddress.slice(0, end),
  };
}
