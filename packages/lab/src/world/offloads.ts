/**
 * Switches the offloads of network cards: `node world/offloads.js on|off eth0 eth1`. A program of its own, because it has
 * to run in the host's network namespace.
 */
import { writeOffloads } from 'libnetraw';

const [wanted, ...nics] = process.argv.slice(2);
const on = wanted === 'on';
for (const nic of nics) {
  writeOffloads(nic, {
    rxChecksum: on,
    txChecksum: on,
    scatterGather: on,
    tcpSegmentation: on,
    genericSegmentation: on,
  });
}
