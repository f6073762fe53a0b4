// Pings, and packets that die on the way: made by hand, sent as frames to the router, whose MAC is known.
import { findLink, FrameSocket } from 'libnetraw';
import { serve } from './channel.mjs';

const ROUTER = [0x02, 0x00, 0x0a, 0x09, 0x00, 0x01]; // 10.9.0.1
const V4 = { etherType: 0x0800, headerBytes: 20, icmp: 1, echo: 8, reply: 0, expired: 11 };
const V6 = { etherType: 0x86dd, headerBytes: 40, icmp: 58, echo: 128, reply: 129, expired: 3 };
const ETHERNET_BYTES = 14;
const POLL_MS = 2;

/** The bytes of an address: 10.9.0.2, or fd00:b::2 with its gap. */
function bytesOf(address) {
  if (!address.includes(':')) return address.split('.').map(Number);
  const [head, tail = ''] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const words = [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return words.flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 0xff]);
}

/** RFC 1071 */
function checksum(bytes) {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A frame with an IP packet of this payload from the client; `ttl` is the hop limit, too. */
function frameOf(from, to, protocol, payload, ttl) {
  const version = to.length === 4 ? V4 : V6;
  const frame = Buffer.alloc(ETHERNET_BYTES + version.headerBytes + payload.length);
  frame.set(ROUTER);
  frame.set(findLink('eth0').mac, 6);
  frame.writeUInt16BE(version.etherType, 12);
  const ip = frame.subarray(ETHERNET_BYTES);
  if (version === V4) {
    ip.set([0x45, 0, ip.length >> 8, ip.length & 0xff, 0, 0, 0, 0, ttl, protocol, 0, 0, ...from, ...to]);
    ip.writeUInt16BE(checksum(ip.subarray(0, 20)), 10);
  } else {
    ip.set([0x60, 0, 0, 0, payload.length >> 8, payload.length & 0xff, protocol, ttl, ...from, ...to]);
  }
  ip.set(payload, version.headerBytes);
  return frame;
}

/** The checksum of TCP, UDP and ICMPv6 covers the addresses. */
function sealed(payload, at, from, to, protocol) {
  const pseudo = [...from, ...to, 0, protocol, payload.length >> 8, payload.length & 0xff];
  payload.writeUInt16BE(checksum([...pseudo, ...payload]), at);
  return payload;
}

function echoRequest(version, from, to, id, sizeBytes) {
  const message = Buffer.alloc(8 + sizeBytes, 'ping');
  message.set([version.echo, 0, 0, 0, id >> 8, id & 0xff, 0, 1]);
  if (version === V6) return sealed(message, 2, from, to, V6.icmp);
  message.writeUInt16BE(checksum(message), 2);
  return message;
}

const PROBES = {
  udp: (from, to, port) => [
    17,
    sealed(Buffer.from([0x82, 0x9a, port >> 8, port & 0xff, 0, 12, 0, 0, 1, 2, 3, 4]), 6, from, to, 17),
  ],
  tcp(from, to, port, number) {
    const syn = Buffer.alloc(20);
    syn.writeUInt16BE(20_000 + number, 0);
    syn.writeUInt16BE(port, 2);
    syn.set([0x50, 0x02, 0xff, 0xff], 12);
    return [6, sealed(syn, 16, from, to, 6)];
  },
};

/** What an arriving frame says: an echo reply to this id, or that a packet has died. */
function understand(frame, version, id) {
  if (frame.length < ETHERNET_BYTES + version.headerBytes + 8) return undefined;
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  if (view.readUInt16BE(12) !== version.etherType) return undefined;
  const ip = view.subarray(ETHERNET_BYTES);
  if (ip[version === V4 ? 9 : 6] !== version.icmp) return undefined;
  const message = ip.subarray(version.headerBytes);
  const source = version === V4 ? [...ip.subarray(12, 16)].join('.') : ip.subarray(8, 24).toString('hex');
  if (message[0] === version.expired) return { kind: 'expired', source };
  if (message[0] !== version.reply || message.readUInt16BE(4) !== id) return undefined;
  return { kind: 'reply', source, bytes: ip.length - version.headerBytes - 8 };
}

let lastId = process.pid & 0x7fff;

serve({
  /** Sends one echo request and tells what came of it: a reply, the news of its death, or nothing in time. */
  async ping(source, target, { ttl = 64, sizeBytes = 56, timeoutMs = 2000 } = {}) {
    const version = target.includes(':') ? V6 : V4;
    const [from, to, id] = [bytesOf(source), bytesOf(target), ++lastId & 0xffff];
    const socket = FrameSocket.open({ interface: 'eth0', receive: { etherType: version.etherType } });
    try {
      socket.send(frameOf(from, to, version.icmp, echoRequest(version, from, to, id, sizeBytes), ttl));
      for (const end = Date.now() + timeoutMs; Date.now() < end;) {
        const frame = socket.receive();
        const outcome = frame && understand(frame, version, id);
        if (outcome) return outcome;
        if (!frame) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      return undefined;
    } finally {
      socket.close();
    }
  },
  /** Sends one echo request and tells how many replies came: more than one where several hosts think that it is for them. */
  async replies(source, target, timeoutMs = 500) {
    const version = target.includes(':') ? V6 : V4;
    const [from, to, id] = [bytesOf(source), bytesOf(target), ++lastId & 0xffff];
    const socket = FrameSocket.open({ interface: 'eth0', receive: { etherType: version.etherType } });
    let count = 0;
    try {
      socket.send(frameOf(from, to, version.icmp, echoRequest(version, from, to, id, 56), 64));
      for (const end = Date.now() + timeoutMs; Date.now() < end;) {
        const frame = socket.receive();
        if (frame && understand(frame, version, id)?.kind === 'reply') count++;
        if (!frame) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      return count;
    } finally {
      socket.close();
    }
  },
  /** As traceroute does: probes to a port with every TTL from 1 to `hops`, `times` times. */
  async trace(source, target, protocol, port, hops, times) {
    const [from, to] = [bytesOf(source), bytesOf(target)];
    const socket = FrameSocket.open({ interface: 'eth0' });
    for (let i = 0; i < times; i++) {
      for (let ttl = 1; ttl <= hops; ttl++) {
        const [number, payload] = PROBES[protocol](from, to, port, i * hops + ttl);
        socket.send(frameOf(from, to, number, payload, ttl));
      }
    }
    socket.close();
  },
});
