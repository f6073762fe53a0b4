import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Socket } from 'node:net';
import type { HostPort } from '../config/hostPort.js';
import { listenAt } from '../http/boundedServer.js';
import { answerQuery, type Zone } from './answer.js';

export interface DnsServer {
  readonly port: number;
  close(): Promise<void>;
}

const MOST_CONVERSATIONS = 32;
/** Who asks over TCP does so at once. */
const IDLE_MS = 2000;
/** No query is longer: a name has 255 bytes. */
const MOST_QUERY_BYTES = 1232;
/** Answers over UDP may be asked for in somebody else's name: no more of them than this a second. */
const MOST_ANSWERS_PER_S = 2000;

/** Answers over UDP and TCP, with what `zone` says at that moment. Rejects when it cannot listen. @param port 0: a free one */
export async function startDnsServer({ host, port }: HostPort, zone: () => Zone): Promise<DnsServer> {
  let turn = 0;
  const tcp = createServer((socket) =>
    converse(socket, (query) => answerQuery(query, zone(), turn++, 'tcp')),
  );
  tcp.maxConnections = MOST_CONVERSATIONS;
  const bound = await listenAt(tcp, { host, port });
  const udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const limit = new PerSecond(MOST_ANSWERS_PER_S);
  udp.on('message', (query, from) => {
    if (query.length > MOST_QUERY_BYTES || !limit.take(Date.now())) return;
    const answer = answerQuery(query, zone(), turn++, 'udp');
    if (answer !== undefined) udp.send(answer, from.port, from.address, () => undefined);
  });
  try {
    await bind(udp, host, bound);
  } catch (error) {
    tcp.close();
    throw error;
  }
  return {
    port: bound,
    close: async () => {
      await Promise.all([
        new Promise<void>((resolve) => tcp.close(() => resolve())),
        new Promise<void>((resolve) => udp.close(() => resolve())),
      ]);
    },
  };
}

/** One query, its length before it (RFC 1035, section 4.2.2), and the end. */
function converse(socket: Socket, answer: (query: Uint8Array) => Uint8Array | undefined): void {
  let received = Buffer.alloc(0);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 2) return;
    const length = received.readUInt16BE(0);
    if (length > MOST_QUERY_BYTES) return void socket.destroy();
    if (received.length < 2 + length) return;
    socket.removeAllListeners('data');
    const said = answer(received.subarray(2, 2 + length));
    if (said === undefined) return void socket.destroy();
    const head = Buffer.alloc(2);
    head.writeUInt16BE(said.length);
    socket.end(Buffer.concat([head, said]));
  });
}

function bind(socket: UdpSocket, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve();
    });
  });
}

class PerSecond {
  private readonly most: number;
  private second = 0;
  private taken = 0;

  constructor(most: number) {
    this.most = most;
  }

  take(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.second) {
      this.second = second;
      this.taken = 0;
    }
    return ++this.taken <= this.most;
  }
}
