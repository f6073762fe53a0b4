import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type {
  Address,
  Command,
  Cryptography,
  Effect,
  Input,
  RingState,
  SessionDrop,
  TimerName,
} from '@ringmaster/ring';
import { EPOCH_BYTES, Sessions, step } from '@ringmaster/ring';
import type { RingSocket } from './ringSocket.js';

/** What is left for the node to do: everything but packets and timers. */
export type RingEvent = Exclude<
  Effect,
  { kind: 'send' | 'broadcast' | 'setTimer' | 'clearTimer' | 'downstreamChanged' }
>;

export interface RingDriverOptions {
  readonly state: RingState;
  readonly socket: RingSocket;
  /** Absent: an insecure ring, as the configuration wants it. */
  readonly cryptography?: Cryptography;
  readonly onEvent: (event: RingEvent) => void;
}

export type DropCounts = Partial<Record<SessionDrop, number>>;

/** Runs the pure core over a socket and timers. Time is monotonic; one input is one step. */
export class RingDriver {
  readonly state: RingState;
  readonly drops: DropCounts = {};
  private readonly options: RingDriverOptions;
  private readonly timers = new Map<TimerName, NodeJS.Timeout>();
  private sessions: Sessions | undefined;
  private left: (() => void) | undefined;
  private closed = false;

  constructor(options: RingDriverOptions) {
    this.options = options;
    this.state = options.state;
    this.sessions = this.newSessions();
    options.socket.listen({
      packet: (from, packet) => this.receive(from, packet),
      refused: (address) => this.input({ kind: 'refused', address, nowMs: performance.now() }),
    });
  }

  start(): void {
    this.command({ kind: 'start' });
  }

  command(command: Command): void {
    this.input({ kind: 'command', command, nowMs: performance.now() });
  }

  /** Leaves the ring gracefully; resolves when it has, at the latest after the core's hand-over timeout. */
  leave(reason: string): Promise<void> {
    return new Promise((resolve) => {
      this.left = resolve;
      this.command({ kind: 'leave', reason });
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    await this.options.socket.close();
  }

  private newSessions(): Sessions | undefined {
    const { cryptography, state } = this.options;
    if (!cryptography) return undefined;
    return new Sessions({ self: state.ring.self, epoch: randomBytes(EPOCH_BYTES), crypto: cryptography });
  }

  private receive(networkSender: Address, packet: Uint8Array): void {
    const nowMs = performance.now();
    if (!this.sessions) {
      this.input({ kind: 'packet', from: networkSender, packet, nowMs });
      return;
    }
    const result = this.sessions.receive(packet, nowMs);
    if (result.drop) this.drops[result.drop] = (this.drops[result.drop] ?? 0) + 1;
    if (result.reply) this.options.socket.send(networkSender, result.reply);
    if (result.established !== undefined) this.input({ kind: 'peer', address: result.established, nowMs });
    if (result.deliver) this.input({ kind: 'packet', ...result.deliver, nowMs });
  }

  private input(input: Input): void {
    if (this.closed) return;
    for (const effect of step(this.state, input)) this.apply(effect);
  }

  private apply(effect: Effect): void {
    const { socket, onEvent } = this.options;
    switch (effect.kind) {
      case 'send':
        socket.send(effect.to, this.sealed(effect.packet));
        return;
      case 'broadcast':
        socket.broadcast(this.sealed(effect.packet));
        return;
      case 'setTimer':
        this.setTimer(effect.timer, effect.atMs);
        return;
      case 'clearTimer':
        this.clearTimer(effect.timer);
        return;
      case 'downstreamChanged':
        socket.watch(effect.to);
        return;
      case 'left':
        this.left?.();
        this.left = undefined;
        onEvent(effect);
        return;
      default:
        onEvent(effect);
    }
  }

  private sealed(packet: Uint8Array): Uint8Array {
    if (!this.sessions) return packet;
    // After 2^32 packets the epoch is used up: the others take us for restarted and ask for a proof.
    if (this.sessions.exhausted) this.sessions = this.newSessions() as Sessions;
    return this.sessions.seal(packet);
  }

  private setTimer(timer: TimerName, dueMs: number): void {
    this.clearTimer(timer);
    const fire = (): void => {
      this.timers.delete(timer);
      this.input({ kind: 'timer', timer, dueMs, nowMs: performance.now() });
    };
    this.timers.set(timer, setTimeout(fire, Math.max(0, dueMs - performance.now())));
  }

  private clearTimer(timer: TimerName): void {
    clearTimeout(this.timers.get(timer));
    this.timers.delete(timer);
  }
}
