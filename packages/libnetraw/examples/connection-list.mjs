#!/usr/bin/env node
// Lists this host's TCP listeners and connections over IPv4: node examples/connection-list.mjs [PORT...]
// Needs no privilege.
import { listTcpConnections, listTcpListeners, tcpStateName } from 'libnetraw';
import { formatIpv4 } from 'libnetraw/wire';

const ports = process.argv.slice(2).map(Number);
const chosen = ports.length === 0 ? undefined : ports;

for (const { address, port, acceptQueue, acceptQueueLimit } of listTcpListeners(chosen)) {
  console.log(`listening    ${address}:${port}  accept queue ${acceptQueue} of ${acceptQueueLimit}`);
}

const began = process.hrtime.bigint();
const list = listTcpConnections(chosen === undefined ? {} : { ports: chosen });
const tookMs = Number(process.hrtime.bigint() - began) / 1e6;
for (let row = 0; row < list.count; row++) {
  const local = `${formatIpv4(list.localAddress[row])}:${list.localPort[row]}`;
  const remote = `${formatIpv4(list.clientAddress[row])}:${list.clientPort[row]}`;
  console.log(`${tcpStateName(list.state[row]).padEnd(12)} ${local}  ${remote}`);
}
console.error(`${list.count} connections, listed in ${tookMs.toFixed(1)} ms`);
