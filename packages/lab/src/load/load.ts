import { fileURLToPath } from 'node:url';
import { nowMs } from '../clock.js';
import { LabError } from '../errors.js';
import type { Host } from '../world/host.js';
import type { LabProcess } from '../world/process.js';
import type { BurstEvent, HarmEvent, LoadEvent, ReadyEvent, RequestEvent, StateEvent } from './events.js';

const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url));

/** Requests kept by a `RequestStream`; at the usual 100 a second this is over an hour. */
const KEPT_REQUESTS = 500_000;

/** Where a load program can be started: a host of the lab, or whatever else has a network of its own. */
export type LoadHost = Pick<Host, 'spawn'>;

/** Starts the load program on a host; `options` are its options by their long names. */
export function startLoad(
  host: LoadHost,
  mode: string,
  target: string,
  options: Readonly<Record<string, string | number>>,
): LabProcess {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return host.spawn(process.execPath, [PROGRAM, mode, '--target', target, ...flags]);
}

const is = (kind: LoadEvent['event']) => (line: string) => line.startsWith(`{"event":"${kind}"`);

/** Makes `count` requests from the host, each on a connection of its own, and counts who served them. */
export async function burst(
  host: Host,
  target: string,
  options: { count?: number; concurrency?: number; timeout?: number } = {},
  deadlineMs = 60_000,
): Promise<BurstEvent> {
  const process = startLoad(host, 'burst', target, options);
  const line = await process.waitForLine(is('burst'), deadlineMs);
  await process.exited;
  return JSON.parse(line) as BurstEvent;
}

/** Long-lived connections held by a process on a host. */
export class HeldConnections {
  /** Connections per server when all were open. */
  readonly placed: Readonly<Record<string, number>>;
  /** What befell connections so far. */
  readonly harms: HarmEvent[] = [];
  readonly #process: LabProcess;
  #state: StateEvent | undefined;
  #silenceMs: Record<string, number> = {};

  private constructor(process: LabProcess, placed: Readonly<Record<string, number>>) {
    this.#process = process;
    this.placed = placed;
  }

  /**
   * Opens `connections` (200) connections and pings over each every `interval` (200) ms; one that is not answered for
   * `stalled` (3000) ms counts as stalled. Resolves when all are open.
   */
  static async open(
    host: LoadHost,
    target: string,
    options: { connections?: number; interval?: number; stalled?: number; state?: number } = {},
    deadlineMs = 60_000,
  ): Promise<HeldConnections> {
    const process = startLoad(host, 'hold', target, options);
    const early: string[] = [];
    const stop = process.onLine((line) => early.push(line));
    const ready = JSON.parse(await process.waitForLine(is('ready'), deadlineMs)) as ReadyEvent;
    stop();
    const held = new HeldConnections(process, ready.servers);
    early.forEach((line) => held.#take(line));
    process.onLine((line) => held.#take(line));
    return held;
  }

  /** The present state, as soon as the next report comes. */
  async state(timeoutMs = 10_000): Promise<StateEvent> {
    const asked = nowMs();
    while (this.#state === undefined || this.#state.at < asked) {
      if (this.#process.ended !== undefined || nowMs() - asked > timeoutMs) {
        throw new LabError('timeout', 'The process that holds the connections does not report any more.');
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#state;
  }

  /** The longest that any connection waited for an answer since the last call of this, per server. */
  takeLongestSilenceMs(): Readonly<Record<string, number>> {
    const silence = this.#silenceMs;
    this.#silenceMs = {};
    return silence;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#process.stop();
  }

  #take(line: string): void {
    const event = JSON.parse(line) as LoadEvent;
    if (event.event === 'harm') this.harms.push(event);
    if (event.event !== 'state') return;
    this.#state = event;
    for (const [server, { longestSilenceMs }] of Object.entries(event.servers)) {
      this.#silenceMs[server] = Math.max(this.#silenceMs[server] ?? 0, longestSilenceMs);
    }
  }
}

/** A stream of new connections from a host: one request every `interval` ms, each given up after `timeout` ms. */
export class RequestStream {
  /** Ended requests in the order in which they ended. */
  readonly requests: RequestEvent[] = [];
  readonly #process: LabProcess;

  constructor(host: LoadHost, target: string, options: { interval?: number; timeout?: number } = {}) {
    this.#process = startLoad(host, 'stream', target, options);
    this.#process.onLine((line) => {
      this.requests.push(JSON.parse(line) as RequestEvent);
      if (this.requests.length > KEPT_REQUESTS) this.requests.shift();
    });
  }

  /** Requests that were started at or after `at`. */
  since(at: number): RequestEvent[] {
    return this.requests.filter(({ start: started }) => started >= at);
  }

  /**
   * The first request that was started at or after `at` and served.
   *
   * @throws LabError `timeout`
   */
  async firstServed(at: number, timeoutMs: number): Promise<RequestEvent> {
    const deadline = nowMs() + timeoutMs;
    for (;;) {
      const served = this.since(at)
        .filter(({ server }) => server !== undefined)
        .sort((one, other) => one.end - other.end);
      if (served.length > 0) return served[0];
      if (nowMs() > deadline) throw new LabError('timeout', `No request was served for ${timeoutMs} ms.`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    await this.#process.stop();
  }
}
