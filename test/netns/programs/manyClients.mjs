/**
 * Many clients on one host, each with an address of its own out of 10.64.0.0/16 (which must be local to the host):
 *
 *   manyClients.mjs requests TARGET FIRST COUNT   one request each, 64 at a time; one line {"servers":{"n1":5,...},"failed":0}
 *   manyClients.mjs hold TARGET FIRST COUNT       one connection each, asked again every 500 ms; "open" when all are, and on
 *                                                 SIGUSR2 a line {"alive":{"n1":5,...},"lost":0,"late":0,"moved":0}
 *
 * `late`: not answered for 3 s. `moved`: answered by another server than at first.
 */
import { connect } from 'node:net';

const [mode, target, first, count] = process.argv.slice(2);
const [host, port = '80'] = target.split(':');
const addressOf = (i) => `10.64.${(i >> 8) & 255}.${i & 255}`;
const dial = (i) => connect({ host, port: Number(port), localAddress: addressOf(i) });
const serverIn = (text) => /"server":"([^"]+)"/.exec(text)?.[1];
const tally = (names) => {
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

/** Resolves with who answered, or undefined. */
function ask(i) {
  return new Promise((resolve) => {
    const socket = dial(i);
    let text = '';
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
    socket.on('data', (data) => (text += data));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(serverIn(text)));
  });
}

async function requests() {
  const last = Number(first) + Number(count);
  let next = Number(first);
  const answers = [];
  const work = async () => {
    while (next < last) answers.push(await ask(next++));
  };
  await Promise.all(Array.from({ length: 64 }, work));
  const served = answers.filter((name) => name !== undefined);
  console.log(JSON.stringify({ servers: tally(served), failed: answers.length - served.length }));
}

function hold() {
  const held = Array.from({ length: Number(count) }, (_, n) => ({
    i: Number(first) + n,
    lost: false,
    answeredAt: 0,
  }));
  for (const each of held) {
    const socket = dial(each.i);
    socket.setNoDelay(true);
    const again = () => socket.writable && socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.on('connect', () => {
      again();
      setInterval(again, 500);
    });
    socket.on('data', (data) => {
      const server = serverIn(data.toString());
      if (server === undefined) return;
      each.first ??= server;
      if (each.first !== server) each.moved = true;
      each.answeredAt = Date.now();
    });
    socket.on('error', () => (each.lost = true));
    socket.on('close', () => (each.lost = true));
  }
  const opening = setInterval(() => {
    if (!held.every(({ first: server, lost }) => server !== undefined || lost)) return;
    clearInterval(opening);
    console.log('open');
  }, 50);
  process.on('SIGUSR2', () => {
    const living = held.filter(({ lost }) => !lost);
    const late = living.filter(({ answeredAt }) => Date.now() - answeredAt > 3000).length;
    const moved = held.filter((each) => each.moved === true).length;
    const alive = tally(living.map(({ first: server }) => server));
    console.log(JSON.stringify({ alive, lost: held.length - living.length, late, moved }));
  });
}

if (mode === 'requests') await requests();
else hold();
