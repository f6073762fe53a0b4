import { Worker } from 'node:worker_threads';
import type { Address } from '@ringmaster/ring';
import { BROADCAST } from '@ringmaster/ring';
import { FrameSocket, Wake } from 'libnetraw';
import type { RingSocket, RingSocketEvents, SocketCounters } from '../ringSocket.js';
import type { ReceiverData, ReceiverReport } from './receiver.js';
import { Shared } from './receiver.js';
import { encodeRingFrame } from './ringFrame.js';

export interface EthernetSocketOptions {
  /** Name of the network interface. */
  readonly interface: string;
  /** Its MAC, 6 bytes: the sender of every frame, and as a number (`addressOfMac`) this member's ring address. */
  readonly mac: Uint8Array;
  /** Receiving has ended for good: the thread that does it has failed. */
  readonly onFailure: (message: string) => void;
}

/**
 * The ring over Ethernet frames (S12): members are ordered by MAC and need no IP address to be in the ring. Nobody
 * refuses a frame, so a dead process shows as silence only: `refused` is never reported, and `watch` does nothing.
 */
export class EthernetSocket implements RingSocket {
  private readonly options: EthernetSocketOptions;
  private readonly sender: FrameSocket;
  private readonly words: Uint32Array;
  private readonly wake: Wake;
  private readonly worker: Worker;
  private readonly exited: Promise<unknown>;
  private sendErrors = 0;
  private events: RingSocketEvents | undefined;
  private closed = false;

  private constructor(options: EthernetSocketOptions) {
    this.options = options;
    this.sender = FrameSocket.open({ interface: options.interface });
    this.wake = Wake.create();
    const shared = new SharedArrayBuffer(Shared.words * Uint32Array.BYTES_PER_ELEMENT);
    this.words = new Uint32Array(shared);
    const workerData: ReceiverData = { interface: options.interface, shared, wakeFd: this.wake.fd };
    this.worker = new Worker(new URL('./receiverWorker.js', import.meta.url), { workerData });
    this.exited = new Promise((resolve) => this.worker.once('exit', resolve));
  }

  /** Receives from when this has resolved. Rejects with an error that has the system's `code`: `EPERM`, `ENODEV`. */
  static async open(options: EthernetSocketOptions): Promise<EthernetSocket> {
    const socket = new EthernetSocket(options);
    try {
      await socket.ready();
    } catch (error) {
      await socket.close();
      throw error;
    }
    return socket;
  }

  get counters(): Readonly<SocketCounters> {
    const malformed = Atomics.load(this.words, Shared.malformed);
    const overrun = Atomics.load(this.words, Shared.overrun);
    return { sendErrors: this.sendErrors, malformed, overrun };
  }

  listen(events: RingSocketEvents): void {
    this.events = events;
  }

  send(to: Address, packet: Uint8Array): void {
    if (this.closed) return;
    try {
      this.sender.send(encodeRingFrame(to, this.options.mac, packet));
    } catch {
      this.sendErrors++; // the interface is down, or its queue full: to the ring a lost packet
    }
  }

  broadcast(packet: Uint8Array): void {
    this.send(BROADCAST, packet);
  }

  watch(): void {
    // Nobody answers for a process that is gone.
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    Atomics.store(this.words, Shared.stop, 1);
    this.wake.signal();
    await this.exited;
    this.wake.close();
    this.sender.close();
  }

  private ready(): Promise<void> {
    const { worker } = this;
    return new Promise((resolve, reject) => {
      worker.on('message', (report: ReceiverReport) => {
        if (report.kind === 'ready') resolve();
        else if (report.kind === 'failed')
          reject(Object.assign(new Error(report.message), { code: report.code }));
        else this.receive(report);
      });
      let why = 'the thread that receives ring frames has ended';
      worker.on('error', (error) => (why = error.message));
      worker.on('exit', () => {
        reject(new Error(why));
        if (!this.closed) this.options.onFailure(why);
      });
    });
  }

  private receive(report: ReceiverReport & { kind: 'received' }): void {
    Atomics.sub(this.words, Shared.waiting, report.packets.length);
    if (this.closed) return;
    for (const { from, packet } of report.packets) this.events?.packet(from, packet);
  }
}
