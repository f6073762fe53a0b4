// A member of a ring and nothing else: the core, its driver, and the transport that the test wants.
import { randomInt } from 'node:crypto';
import { createRing, dispatcherOf, parseIpv4 } from '@ringmaster/ring';
import { addressOfMac, EthernetSocket, NodeCryptography, RingDriver, UdpSocket } from '@ringmaster/transport';
import { findLink } from 'libnetraw';
import { serve } from './channel.mjs';

let driver;
let socket;
const failures = [];

function openSocket(transport, mac) {
  if (transport === 'udp') return UdpSocket.open({ port: 7400, broadcast: parseIpv4('10.0.0.255') });
  return EthernetSocket.open({ interface: 'eth0', mac, onFailure: (why) => failures.push(why) });
}

serve({
  /** @param key 32 bytes, or undefined for an insecure ring */
  async start(transport, ipv4, key) {
    const { mac } = findLink('eth0');
    const address = transport === 'udp' ? parseIpv4(ipv4) : addressOfMac(mac);
    socket = await openSocket(transport, mac);
    const self = {
      address,
      mac,
      canDispatch: true,
      canServe: true,
      weight: 1,
      services: new Uint8Array(0),
      incarnation: randomInt(1, 2 ** 32),
    };
    const config = { wallOffsetMs: Date.now() - performance.now() };
    driver = new RingDriver({
      state: createRing(self, config),
      socket,
      ...(key && { cryptography: new NodeCryptography([key], 'packets') }),
      onEvent: (event) => {
        if (event.kind !== 'roleChanged' || event.role !== 'candidate') return;
        setImmediate(() => driver.command({ kind: 'mapComplete' }));
      },
    });
    driver.start();
    return address;
  },
  /** Where this member stands, and what it has counted. */
  tell() {
    const { ring, phase, id, roster, counters } = driver.state;
    const active = roster.all().filter((member) => member.active);
    return {
      place: { phase, nun: ring.nun, ndn: ring.ndn, smallest: ring.smallest, greatest: ring.greatest },
      id,
      createdAt: ring.createdAt,
      dispatcher: dispatcherOf(driver.state),
      others: active.map((member) => ({ address: member.address, id: member.id })),
      counters: { ...counters },
      drops: { ...driver.drops },
      socket: { ...socket.counters },
      failures,
    };
  },
  /** Looks at nothing for so long. */
  stall(ms) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  },
  leave: () => driver.leave('the test says so'),
  enter: () => driver.start(),
});
