#!/usr/bin/env node
// Lists this host's TCP listeners and connections: node examples/connection-list.mjs [PORT...]
// Needs no privilege.
import { formatIp, listTcpConnections, listTcpConnections6, listTcpListeners, tcpStateName } from 'libnetraw';
import { formatIpv4 } from 'libnetraw/wire';

const ports = process.argv.slice(2).map(Number);
const chosen = ports.length === 0 ? undefined : ports;

for (const { address, port, acceptQueue, acceptQueueLimit } of listTcpListeners(chosen)) {
  console.log(`listening    ${address}:${port}  accept queue ${acceptQueue} of ${acceptQueueLimit}`);
}

const began = process.hrtime.bigint();
const filter = chosen === undefined ? {} : { ports: chosen };
const list = listTcpConnections(filter);
const list6 = listTcpConnections6(filter);
const tookMs = Number(process.hrtime.bigint() - began) / 1e6;
const show = ({ state, localPort, clientPort }, row, local, remote) =>
  console.log(
    `${tcpStateName(state[row]).padEnd(12)} ${local}:${localPort[row]}  ${remote}:${clientPort[row]}`,
  );
for (let row = 0; row < list.count; row++) {
  show(list, row, formatIpv4(list.localAddress[row]), formatIpv4(list.clientAddress[row]));
}
const address6 = (column, row) => `[${formatIp(column.subarray(16 * row, 16 * row + 16))}]`;
for (let row = 0; row < list6.count; row++) {
  show(list6, row, address6(list6.localAddress, row), address6(list6.clientAddress, row));
}
console.error(`${list.count + list6.count} connections, listed in ${tookMs.toFixed(1)} ms`);
