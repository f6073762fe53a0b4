import { LabError } from '../errors.js';
import type { Host } from '../world/host.js';
import type { LabProcess } from '../world/process.js';
import type { LoadEvent, TransferEvent } from './events.js';
import { startLoad } from './load.js';

/** What a transfer may be told; see `load transfer --help`. */
export interface TransferSettings {
  readonly protocol: 'tcp' | 'udp';
  /** 10 MB unless told. */
  readonly bytes?: number;
  /** Bytes a second; as fast as it goes unless told. */
  readonly rate?: number;
  /** UDP: bytes of a datagram, 1400 unless told. */
  readonly datagram?: number;
  /** When it is given up: after 30 s unless told, in ms. */
  readonly timeout?: number;
}

/** The process is given this much longer than the transfer itself. */
const GRACE_MS = 15_000;
const DEFAULT_TIMEOUT_MS = 30_000;

/** Bytes on their way from a host to the bulk service and back. */
export class Transfer {
  readonly #process: LabProcess;
  readonly #patienceMs: number;

  /** @param target address and port of the bulk service, e.g. `10.0.0.100:9000` */
  constructor(host: Host, target: string, settings: TransferSettings) {
    this.#process = startLoad(host, 'transfer', target, { ...settings });
    this.#patienceMs = (settings.timeout ?? DEFAULT_TIMEOUT_MS) + GRACE_MS;
  }

  /**
   * Waits until so many bytes have come back.
   *
   * @returns who has served it until then
   * @throws LabError when it ended before.
   */
  async reached(bytes: number): Promise<readonly string[]> {
    const far = (event: LoadEvent) =>
      event.event === 'transfer' || (event.event === 'progress' && event.bytes >= bytes);
    const line = await this.#process.waitForLine(
      (text) => far(JSON.parse(text) as LoadEvent),
      this.#patienceMs,
    );
    const event = JSON.parse(line) as LoadEvent;
    if (event.event === 'progress') return event.servers;
    throw new LabError('processExited', `The transfer has ended: ${line}`);
  }

  /** Breaks it off. */
  async stop(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }

  /** How it ended. */
  async outcome(): Promise<TransferEvent> {
    const ended = (text: string) => text.startsWith('{"event":"transfer"');
    const line = await this.#process.waitForLine(ended, this.#patienceMs);
    await this.#process.exited;
    return JSON.parse(line) as TransferEvent;
  }
}
