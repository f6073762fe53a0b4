// A client of the cluster, told by the test what to ask for.
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { serve } from './channel.mjs';

let host = '10.0.0.100';
const streams = new Map();

/** One request on a connection of its own, from one of the host's addresses if need be; the body as bytes. */
function ask(method, path, body, timeoutMs = 10_000, localAddress) {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host, method, path, localAddress, agent: false, signal: AbortSignal.timeout(timeoutMs) },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => resolve(Buffer.concat(chunks)));
        answer.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

serve({
  /** Another cluster address than 10.0.0.100. */
  call: (address) => void (host = address),
  /** Who answered how often, and which client addresses the services saw. */
  async requests(count, timeoutMs, localAddress) {
    const servers = {};
    const clients = new Set();
    for (let i = 0; i < count; i++) {
      const { server, client } = JSON.parse(await ask('GET', '/', undefined, timeoutMs, localAddress));
      servers[server] = (servers[server] ?? 0) + 1;
      clients.add(client);
    }
    return { servers, clients: [...clients] };
  },
  /** The answer to this takes so many milliseconds; gives the client's address as the service saw it. */
  async slowly(ms, timeoutMs, localAddress) {
    return JSON.parse(await ask('GET', `/slow?ms=${ms}`, undefined, timeoutMs, localAddress)).client;
  },
  async download(bytes) {
    return createHash('sha256')
      .update(await ask('GET', `/bytes/${bytes}`))
      .digest('hex');
  },
  async upload(bytes) {
    const body = randomBytes(bytes);
    const sent = createHash('sha256').update(body).digest('hex');
    return { sent, received: (await ask('POST', '/digest', body)).toString().trim() };
  },
  /** Opens a connection on which every line comes back with the server's name. Gives that name. */
  async openStream(name, localAddress) {
    const socket = connect({ host, port: 80, noDelay: true, localAddress });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.on('error', () => {});
    socket.write('POST /stream HTTP/1.1\r\nhost: cluster\r\ntransfer-encoding: chunked\r\n\r\n');
    streams.set(name, { socket, lines: createInterface({ input: socket }) });
  },
  /** Sends a line, and waits for its echo; undefined if none came in time. */
  async echo(name, line, timeoutMs) {
    const { socket, lines } = streams.get(name);
    return new Promise((resolve) => {
      const listen = (text) => text.endsWith(` ${line}`) && finish(text.split(' ')[0]);
      const timer = setTimeout(() => finish(undefined), timeoutMs);
      const finish = (server) => {
        clearTimeout(timer);
        lines.off('line', listen);
        resolve(server);
      };
      lines.on('line', listen);
      socket.write(`${(line.length + 1).toString(16)}\r\n${line}\n\r\n`);
    });
  },
  closeStream: (name) => void streams.get(name).socket.destroy(),
});
