#!/usr/bin/env node
// Prints the frames of an interface, one a line: node examples/packet-dump.mjs eth0 [COUNT]
// Needs CAP_NET_RAW (root). Ctrl-C prints what was received and dropped.
import { PacketRing, Ready } from 'libnetraw';
import {
  decodeEthernet,
  decodeIpv4,
  ETHERNET_HEADER_BYTES,
  EthernetHeader,
  formatIpv4,
  formatMac,
  Ipv4Header,
  WireStatus,
} from 'libnetraw/wire';

const [name = 'lo', count = 'Infinity'] = process.argv.slice(2);
const ethernet = new EthernetHeader();
const ipv4 = new Ipv4Header();

/** `10.0.0.1 -> 10.0.0.2 protocol 6`, or the EtherType of what is not IPv4. */
function describe(memory, offset, length) {
  if (decodeEthernet(memory, offset, length, ethernet) !== WireStatus.ok) return 'too short';
  const payloadLength = length - ETHERNET_HEADER_BYTES;
  if (decodeIpv4(memory, offset + ETHERNET_HEADER_BYTES, payloadLength, ipv4) !== WireStatus.ok) {
    return `EtherType 0x${ethernet.etherType.toString(16).padStart(4, '0')}`;
  }
  return `${formatIpv4(ipv4.source)} -> ${formatIpv4(ipv4.destination)} protocol ${ipv4.protocol}`;
}

function dump(ring) {
  let printed = 0;
  while (printed < Number(count)) {
    const slot = ring.take();
    if (slot < 0) return printed;
    const offset = ring.frameOffset(slot);
    const length = ring.frameLength(slot);
    const { bytes } = ring.memory;
    const macs = `${formatMac(bytes, offset + 6)} > ${formatMac(bytes, offset)}`;
    console.log(`${macs} ${String(length).padStart(5)} bytes  ${describe(bytes, offset, length)}`);
    ring.release(slot);
    printed += 1;
  }
  return printed;
}

try {
  const ring = PacketRing.open({ interface: name });
  let left = Number(count);
  let stopped = false;
  process.on('SIGINT', () => (stopped = true));
  while (!stopped && left > 0) {
    if ((ring.poll(100) & Ready.frames) !== 0) left -= dump(ring);
    await new Promise(setImmediate); // lets Ctrl-C through
  }
  const { received, dropped } = ring.statistics();
  console.error(`${received} frames received, ${dropped} dropped`);
  ring.close();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
