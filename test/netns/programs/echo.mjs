/**
 *   echo.mjs ADDRESS...          sends back every datagram that comes to port 53 of the addresses; "listening" when ready
 *   echo.mjs ask ADDRESS COUNT   sends so many, each from a port of its own, and prints {"asked":2,"answered":2,"twice":0}
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const kindOf = (address) => (isIPv6(address) ? 'udp6' : 'udp4');
const [first, address, count] = process.argv.slice(2);

async function ask() {
  const answers = Array.from({ length: Number(count) }, () => 0);
  const sockets = answers.map((_, i) => {
    const socket = createSocket(kindOf(address));
    socket.on('message', () => answers[i]++);
    return socket;
  });
  for (const socket of sockets) {
    await new Promise((resolve) => socket.send('who', 53, address, resolve));
    await pause(2);
  }
  await pause(1000);
  for (const socket of sockets) socket.close();
  const answered = answers.filter((n) => n > 0).length;
  console.log(
    JSON.stringify({ asked: answers.length, answered, twice: answers.filter((n) => n > 1).length }),
  );
}

async function answer(addresses) {
  for (const each of addresses) {
    const socket = createSocket(kindOf(each));
    socket.on('message', (message, { address: to, port }) => socket.send(message, port, to));
    await new Promise((resolve) => socket.bind(53, each, resolve));
  }
  console.log('listening');
}

if (first === 'ask') await ask();
else await answer(process.argv.slice(2));
