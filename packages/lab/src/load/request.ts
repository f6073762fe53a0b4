import { connect } from 'node:net';
import { nowMs } from '../clock.js';
import type { WhoAnswered } from '../services/http.js';
import type { RequestEvent } from './events.js';
import { formatTarget, type Target } from './target.js';

/** How one request ended; `client` is the client address that the service saw. */
export interface RequestOutcome extends RequestEvent {
  readonly client?: string;
}

/**
 * `GET /` on a connection of its own. A failure is an outcome, never a rejection. A plain socket, so that the time-out
 * covers connecting, too, and a try costs little.
 */
export function request(target: Target, timeoutMs: number): Promise<RequestOutcome> {
  return new Promise((resolve) => {
    const start = nowMs();
    const socket = connect(target.port, target.host);
    let text = '';
    const end = (rest: { server?: string; client?: string; error?: string }) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ event: 'request', start, end: nowMs(), ...rest });
    };
    const timer = setTimeout(() => end({ error: 'timeout' }), timeoutMs);
    socket.setEncoding('utf8');
    socket.on('connect', () =>
      socket.write(
        `GET / HTTP/1.1\r\nhost: ${formatTarget(target.host, target.port)}\r\nconnection: close\r\n\r\n`,
      ),
    );
    socket.on('data', (data: string) => (text += data));
    socket.on('error', (error: NodeJS.ErrnoException) => end({ error: error.code ?? error.message }));
    socket.on('end', () => end(readAnswer(text)));
  });
}

function readAnswer(text: string): { server: string; client: string } | { error: string } {
  if (!text.startsWith('HTTP/1.1 200')) return { error: text === '' ? 'closed' : text.slice(9, 12) };
  try {
    const { server, client } = JSON.parse(
      text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1),
    ) as WhoAnswered;
    return { server, client };
  } catch {
    return { error: 'garbled' };
  }
}
