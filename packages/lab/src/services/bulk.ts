/**
 * Sends back whatever it gets, over TCP and UDP: `node services/bulk.js NAME PORT ADDRESS...`. It tells its name with it:
 * in the first line of each TCP connection, and at the end of each datagram. Says "listening" when it does, on all
 * addresses. An address that the host does not have yet is waited for, since in L4/2 a UDP service has to listen on the
 * cluster address itself, which comes and goes with the node.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 50;
/** Room for a burst of datagrams; the kernel gives less where `net.core.rmem_max` says so. */
const RECEIVE_BUFFER_BYTES = 1_000_000;

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL';

async function serveTcp(name: string, address: string, port: number): Promise<void> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => undefined); // a client that breaks off is its own business
    socket.write(`${name}\n`);
    socket.pipe(socket);
  });
  server.listen({ host: address, port, ipv6Only: true });
  await once(server, 'listening');
}

async function serveUdp(name: string, address: string, port: number): Promise<void> {
  const socket = createSocket(isIPv6(address) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
  const signature = Buffer.from(name);
  socket.on('message', (message, { port: clientPort, address: client }) => {
    socket.send([message, signature], clientPort, client, () => undefined); // one that is not sent is asked for again
  });
  try {
    socket.bind(port, address);
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', () => undefined);
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
}

/** Tries until the host has the address. */
async function whenThere(serve: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await serve();
    } catch (error) {
      if (!isMissing(error)) throw error;
      await sleep(RETRY_MS);
    }
  }
}

const [name, port, ...addresses] = process.argv.slice(2);
await Promise.all(
  addresses.flatMap((address) => [
    whenThere(() => serveTcp(name, address, Number(port))),
    whenThere(() => serveUdp(name, address, Number(port))),
  ]),
);
console.log('listening');
