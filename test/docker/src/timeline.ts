/** What is seen while a scenario runs: the timeline, and what the client's requests and connections met. */
import { HeldConnections, nowMs, RequestStream, type RequestEvent } from '@ringmaster/lab';
import { controlLines, type NodeEvent } from '@ringmaster/node';
import type { Container } from './container.js';

/** Connections that stay open while a scenario runs. */
export const HELD = 500;
const REQUEST_EVERY_MS = 10;
/** For an outage of 5 s, the longest that a scenario makes, and as long again. */
const ANSWER_TIMEOUT_MS = 15_000;
/** Two repetitions of a lost SYN fit in (RFC 6298: after 1 s and 2 s more). */
const REQUEST_TIMEOUT_MS = 3500;

/** `fault`: done by the scenario. `node`: told by a node. `note`: what the scenario has seen. */
export type EntryKind = 'fault' | 'node' | 'note';

export interface Entry {
  /** Milliseconds of the machine's monotonic clock. */
  readonly at: number;
  readonly kind: EntryKind;
  readonly text: string;
  readonly node?: string;
  /** Kind of the node's event. */
  readonly event?: string;
  /** For `role` events: the role. */
  readonly role?: string;
}

/** Of a node's events these tell the story. */
const TOLD = new Set(['role', 'membership', 'phase', 'health', 'start', 'stop', 'drain', 'reload']);

export class Timeline {
  readonly entries: Entry[] = [];
  readonly #wallOffsetMs = Date.now() - nowMs();

  say(kind: EntryKind, text: string, node?: string): void {
    this.entries.push({ at: nowMs(), kind, text, ...(node === undefined ? {} : { node }) });
  }

  /** Listens to a node's events until it ends. */
  follow(node: Container): void {
    void (async () => {
      for (let tries = 0; tries < 100; tries++) {
        const answer = await controlLines(node.socket, '/events?since=0', (line) => this.#take(node, line));
        if (answer.ok) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
  }

  /** Roles that nodes have told to have taken on since `at`. */
  roles(at: number): Entry[] {
    return this.entries.filter((entry) => entry.event === 'role' && entry.at >= at);
  }

  #take(node: Container, line: string): void {
    const event = JSON.parse(line) as NodeEvent;
    if (!TOLD.has(event.kind)) return;
    const at = Date.parse(event.at) - this.#wallOffsetMs;
    const role = typeof event['role'] === 'string' ? { role: event['role'] } : {};
    this.entries.push({ at, kind: 'node', node: node.address, event: event.kind, text: event.text, ...role });
  }
}

/** Connections of one server that were open when the scenario began. */
export interface HeldFate {
  readonly server: string;
  readonly held: number;
  /** Reset or closed, or not answered in the end. */
  readonly lost: number;
  /** Of the lost: those that are open, but have not been answered. */
  readonly unanswered: number;
  /** The longest that any of them waited for an answer. */
  readonly longestSilenceMs: number;
}

/** The client's load: a request every 10 ms, each on a connection of its own, and 500 that stay open. */
export class Load {
  readonly stream: RequestStream;
  readonly held: HeldConnections;
  readonly startedAt = nowMs();

  private constructor(stream: RequestStream, held: HeldConnections) {
    this.stream = stream;
    this.held = held;
  }

  static async start(client: Container, address: string): Promise<Load> {
    const target = `${address}:80`;
    const held = await HeldConnections.open(client, target, {
      connections: HELD,
      interval: 500,
      stalled: 4000,
    });
    const stream = new RequestStream(client, target, {
      interval: REQUEST_EVERY_MS,
      timeout: REQUEST_TIMEOUT_MS,
    });
    await stream.firstServed(0, 10_000);
    return new Load(stream, held);
  }

  /**
   * What became of the held connections, by the server that had them. Those that wait for an answer, except from `harmed`
   * servers, get time for it: who has sent into an outage sends again after up to as long as that has lasted, since the
   * pauses between TCP's repetitions double (RFC 6298).
   */
  async fates(harmed: ReadonlySet<string>): Promise<HeldFate[]> {
    const deadline = nowMs() + ANSWER_TIMEOUT_MS;
    for (;;) {
      const { servers } = await this.held.state();
      const states = Object.entries(servers);
      const waiting = states.some(([server, { stalled }]) => stalled > 0 && !harmed.has(server));
      if (waiting && nowMs() < deadline) continue;
      const silence = this.held.takeLongestSilenceMs();
      return states.map(([server, { held, alive, stalled }]) => {
        const longestSilenceMs = Math.round(silence[server] ?? 0);
        return { server, held, lost: held - alive, unanswered: stalled, longestSilenceMs };
      });
    }
  }

  /** Lets what is on its way end, then stops. */
  async stop(): Promise<void> {
    await this.stream.close();
    await this.held.close();
  }
}

export const isServed = ({ server }: RequestEvent): boolean => server !== undefined;

/** The longest time in which no request was served, between `from` and `until`. */
export function longestGap(
  requests: readonly RequestEvent[],
  from: number,
  until: number,
): { ms: number; at: number } {
  const ends = requests
    .filter(isServed)
    .map(({ end }) => end)
    .filter((end) => end >= from && end < until)
    .sort((one, other) => one - other);
  ends.push(until);
  let longest = { ms: 0, at: from };
  ends.reduce((before, end) => {
    if (end - before > longest.ms) longest = { ms: end - before, at: before };
    return end;
  }, from);
  return longest;
}
