// A client that sends datagrams, told by the test how large and to whom.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { serve } from './channel.mjs';

serve({
  /** One datagram from a port of its own; whether it came back whole, and the name that its server put behind it. */
  async echo(host, port, bytes, timeoutMs) {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const sent = randomBytes(bytes);
    socket.send(sent, port, host);
    try {
      const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(timeoutMs) });
      return { whole: sent.equals(answer.subarray(0, bytes)), server: answer.subarray(bytes).toString() };
    } finally {
      socket.close();
    }
  },
});
