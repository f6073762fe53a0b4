// Somebody on the LAN who belongs to no ring: hears what is broadcast, and says what the test wants.
import { createSocket } from 'node:dgram';
import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { BROADCAST, encodePacket, MessageType } from '@ringmaster/ring';
import { decodeRingFrame, encodeRingFrame, RingEtherType } from '@ringmaster/transport';
import { findLink, FrameSocket } from 'libnetraw';
import { encodeEthernet } from 'libnetraw/wire';
import { serve } from './channel.mjs';

const EVERYBODY = Uint8Array.of(255, 255, 255, 255, 255, 255);
const PAUSE_EVERY = 20;
const { announce, purge, assign, leave, repair, splice, gone, redirect } = MessageType;
const WITH_BODIES = [announce, purge, assign, leave, repair, splice, gone, redirect];

/** The two transports as a stranger sees them: packets heard, packets said, and payloads that are no packets. */
const transports = {
  async udp() {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    const heard = [];
    socket.on('message', (packet, { address }) => address !== '10.0.0.66' && heard.push(packet));
    await new Promise((resolve) => socket.bind(7400, resolve));
    socket.setBroadcast(true);
    const say = (bytes) => new Promise((resolve) => socket.send(bytes, 7400, '10.0.0.255', resolve));
    return { heard: () => heard, say, sayRaw: say };
  },
  async ethernet() {
    const { mac } = findLink('eth0');
    const receive = { etherType: RingEtherType.sealed };
    const socket = FrameSocket.open({ interface: 'eth0', receive });
    const hear = () => {
      const packets = [];
      for (let frame = socket.receive(); frame; frame = socket.receive()) {
        const decoded = decodeRingFrame(frame);
        if (decoded.ok) packets.push(decoded.packet);
      }
      return packets;
    };
    const sayRaw = async (payload) => {
      const frame = new Uint8Array(Math.max(60, 14 + payload.length));
      const { plain, sealed } = RingEtherType;
      encodeEthernet(frame, 0, EVERYBODY, mac, payload[0] % 2 ? plain : sealed);
      frame.set(payload, 14);
      socket.send(frame);
    };
    return {
      heard: hear,
      say: async (packet) => socket.send(encodeRingFrame(BROADCAST, mac, packet)),
      sayRaw,
    };
  },
};

let lan;

async function repeat(count, say) {
  for (let i = 0; i < count; i++) {
    await say(i);
    if (i % PAUSE_EVERY === 0) await sleep(2);
  }
}

serve({
  async open(transport) {
    lan = await transports[transport]();
  },
  /** Says everything again that was broadcast since `open`; returns how much that was. */
  async replay(times) {
    const packets = [...lan.heard()];
    await repeat(times * packets.length, (i) => lan.say(packets[i % packets.length]));
    return packets.length;
  },
  /** Bytes that are no packets. */
  garbage: (count) => repeat(count, () => lan.sayRaw(randomBytes(randomInt(20, 400)))),
  /** Packets that decode, with messages whose bodies do not. */
  nonsense: (count) =>
    repeat(count, (i) => {
      const body = new Uint8Array(randomBytes(3));
      const type = WITH_BODIES[i % WITH_BODIES.length];
      return lan.say(encodePacket([{ ttl: 1, destination: 0, source: 0, type, body }]));
    }),
});
