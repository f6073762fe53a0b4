/** `GET /events`: an answer that goes on. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventLog, NodeEvent } from '../events/eventLog.js';

/** Where streams come from. */
export type EventSource = Pick<EventLog, 'after' | 'subscribe'>;

export interface StreamRequest {
  /** Events after the one with this number. */
  readonly since: number;
  /** Go on with those that come; else the answer ends after those that are kept. */
  readonly follow: boolean;
}

const MOST_STREAMS = 32;
/** A reader that is so far behind is cut off: it may come back and say what it has seen. */
const MOST_UNSENT_BYTES = 1024 * 1024;
/** Shows a reader, and whatever is on the way, that the other side is still there. */
const KEEP_ALIVE_MS = 15_000;

interface Wording {
  readonly type: string;
  readonly keepAlive: string;
  readonly say: (event: NodeEvent) => string;
}

/** One JSON object a line. */
const LINES: Wording = {
  type: 'application/x-ndjson',
  keepAlive: '\n',
  say: (event) => `${JSON.stringify(event)}\n`,
};

/** Server-Sent Events, for browsers (WHATWG HTML, section 9.2). */
const SERVER_SENT: Wording = {
  type: 'text/event-stream',
  keepAlive: ':\n\n',
  say: (event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`,
};

/** The streams of one server. */
export class EventStreams {
  private readonly source: EventSource;
  private readonly open = new Set<ServerResponse>();

  constructor(source: EventSource) {
    this.source = source;
  }

  get isFull(): boolean {
    return this.open.size >= MOST_STREAMS;
  }

  /** Answers with events until the reader goes. A browser that returns says in a header what it has seen. */
  answer(asked: StreamRequest, request: IncomingMessage, response: ServerResponse): void {
    const wording = request.headers.accept?.includes(SERVER_SENT.type) ? SERVER_SENT : LINES;
    const seen = Number(request.headers['last-event-id']);
    const since = Number.isSafeInteger(seen) && seen > 0 ? seen : asked.since;
    response.writeHead(200, {
      'content-type': wording.type,
      'cache-control': 'no-store',
      connection: 'close',
    });
    response.flushHeaders();
    for (const event of this.source.after(since)) response.write(wording.say(event));
    if (!asked.follow) {
      response.end();
      return;
    }
    this.open.add(response);
    const write = (text: string): void => {
      if (response.writableLength > MOST_UNSENT_BYTES) response.destroy();
      else response.write(text);
    };
    const unsubscribe = this.source.subscribe((event) => write(wording.say(event)));
    const timer = setInterval(() => write(wording.keepAlive), KEEP_ALIVE_MS);
    response.on('error', () => undefined);
    response.once('close', () => {
      clearInterval(timer);
      unsubscribe();
      this.open.delete(response);
    });
  }
}
