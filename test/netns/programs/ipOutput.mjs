// Sends IP packets by the host's routing, or receives datagrams, as the test says.
import { createSocket } from 'node:dgram';
import { openIpOutput } from '../../../packages/node/dist/dataplane/ipOutput.js';
import { serve } from './channel.mjs';

const datagrams = [];
let output;

serve({
  /** @param withPackage whether the native package may be used; gives the name of what is used */
  async open(withPackage) {
    output = await openIpOutput(withPackage ? undefined : () => Promise.resolve(undefined));
    return output.name;
  },
  /** Which of the packets the kernel took. */
  send: (packets) =>
    Promise.all(packets.map((packet) => new Promise((resolve) => output.send(packet, resolve)))),
  close: () => output.close(),
  /** Receives from now on, over both IP versions. */
  listen: (port) =>
    Promise.all(
      ['udp4', 'udp6'].map((type) => {
        const socket = createSocket({ type, ipv6Only: type === 'udp6' });
        socket.on('message', (message, { address }) =>
          datagrams.push({
            bytes: message.length,
            text: message.toString('latin1').slice(0, 8),
            from: address,
          }),
        );
        return new Promise((resolve) => socket.bind(port, () => resolve()));
      }),
    ).then(() => undefined),
  /** What has come since the last call. */
  received: () => datagrams.splice(0),
});
