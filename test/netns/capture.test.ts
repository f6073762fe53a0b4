import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  clientFanout,
  fanoutHash4,
  findLink,
  FrameSender,
  FrameSocket,
  IpSocket,
  NativeMemory,
  PacketRing,
  Ready,
  VNET_HEADER_BYTES,
} from 'libnetraw';
import { encodeEthernet, parseMac } from 'libnetraw/wire';

/**
 * What the dispatcher wants of packet sockets beside the plain ring: VLAN tags that stay, fan-out over several rings, and IP
 * packets out by the host's own routing. `left` and `right` are the ends of one cable in a namespace that vanishes.
 */
const VIRTUAL = parseMac('02:52:4d:00:00:64')!;
const GATEWAY = parseMac('02:52:4d:00:00:01')!;
const STRANGER = parseMac('02:00:00:00:00:99')!;

const ip = (line: string): string => execFileSync('ip', line.split(' '), { encoding: 'utf8' });

beforeAll(() => {
  ip('link add left type veth peer name right');
  for (const name of ['left', 'right']) ip(`link set ${name} up`);
});

afterAll(() => {
  ip('link delete left');
});

/** Takes what is in the ring now, waiting a little for the first. */
function take(ring: PacketRing, timeoutMs = 200): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let slot = ring.take(); ; slot = ring.take()) {
    if (slot < 0) {
      if ((ring.poll(frames.length === 0 ? timeoutMs : 0) & Ready.frames) === 0) return frames;
      continue;
    }
    const at = ring.frameOffset(slot);
    frames.push(ring.memory.bytes.slice(at, at + ring.frameLength(slot)));
    ring.release(slot);
  }
}

/** Of the frames to one MAC: the hosts themselves say this and that. */
function framesTo(frames: readonly Uint8Array[], mac: Uint8Array): Uint8Array[] {
  return frames.filter((frame) => Buffer.from(frame.subarray(0, 6)).equals(mac));
}

function wordsAt(frames: readonly Uint8Array[], mac: Uint8Array, offset: number): number[] {
  return framesTo(frames, mac).map((frame) => new DataView(frame.buffer).getUint32(offset));
}

/** An IPv4 packet of an unknown protocol in a frame. */
function frame4(destination: Uint8Array, source: number, target: number): Uint8Array {
  const frame = new Uint8Array(60);
  encodeEthernet(frame, 0, destination, STRANGER, 0x0800);
  const view = new DataView(frame.buffer);
  view.setUint16(14, 0x4500);
  frame[23] = 253; // for experiments, RFC 3692
  view.setUint32(26, source);
  view.setUint32(30, target);
  return frame;
}

/** A TCP packet that is larger than the MTU; its checksum is the sum of the pseudo header. */
function tcpSuperFrame(destination: Uint8Array, payloadBytes: number): Uint8Array {
  const frame = new Uint8Array(54 + payloadBytes).fill(0xaa, 54);
  frame.set(frame4(destination, 0x0a000002, 0x0a000064).subarray(0, 34));
  const view = new DataView(frame.buffer);
  view.setUint16(16, frame.length - 14);
  frame[22] = 64;
  frame[23] = 6;
  view.setUint32(34, (40_000 << 16) | 80);
  frame[46] = 0x50;
  frame[47] = 0x10;
  return frame;
}

/** In this machine's byte order. */
function words16(...words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(words).buffer);
}

/** The slot of the next frame to a MAC. */
function takeSlot(ring: PacketRing, mac: Uint8Array): number {
  for (let tries = 0; tries < 20; tries++) {
    for (let slot = ring.take(); slot >= 0; slot = ring.take()) {
      const at = ring.frameOffset(slot);
      if (framesTo([ring.memory.bytes.slice(at, at + 6)], mac).length > 0 && ring.packetType(slot) !== 4)
        return slot;
      ring.release(slot);
    }
    ring.poll(50);
  }
  throw new Error('no such frame has come');
}

function tagged(frame: Uint8Array, ...tags: readonly number[]): Uint8Array {
  const words = tags.flatMap((tag) => [
    (tag >>> 24) & 0xff,
    (tag >>> 16) & 0xff,
    (tag >>> 8) & 0xff,
    tag & 0xff,
  ]);
  return Uint8Array.of(...frame.subarray(0, 12), ...words, ...frame.subarray(12));
}

describe('VLAN tags', () => {
  it.each([
    ['of a customer', [0x8100_6007]],
    ['of a provider', [0x88a8_0123]],
    ['two of them', [0x88a8_0123, 0x8100_0007]],
  ])('%s are in the frame as on the wire', (_whose, tags) => {
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048 });
    const socket = FrameSocket.open({ interface: 'left' });
    const sent = tagged(frame4(VIRTUAL, 0x0a000002, 0x0a000064), ...tags);
    socket.send(sent);
    const [frame] = framesTo(take(ring), VIRTUAL);
    expect(Buffer.from(frame).toString('hex')).toBe(Buffer.from(sent).toString('hex'));
    socket.send(frame4(VIRTUAL, 0x0a000002, 0x0a000064));
    socket.send(sent);
    const slots = new Int32Array(8);
    const frames: Uint8Array[] = [];
    for (let tries = 0; tries < 20 && framesTo(frames, VIRTUAL).length < 2; tries++) {
      const count = ring.takeMany(slots);
      for (const slot of slots.subarray(0, count)) {
        const at = ring.frameOffset(slot);
        frames.push(ring.memory.bytes.slice(at, at + ring.frameLength(slot)));
      }
      ring.releaseMany(slots, count);
      ring.poll(50);
    }
    expect(framesTo(frames, VIRTUAL).map(({ length }) => length)).toEqual([60, sent.length]);
    expect(Buffer.from(framesTo(frames, VIRTUAL)[1]).equals(sent)).toBe(true);
    socket.close();
    ring.close();
  });
});

describe('the offload header of a tagged super-frame', () => {
  it('speaks of the frame with its tag, and the next host gets the same again', () => {
    const TCP4 = 1;
    const frame = tagged(tcpSuperFrame(VIRTUAL, 20_000), 0x8100_0007);
    const header = Uint8Array.of(1, TCP4, ...words16(58, 1460, 38, 16));
    const memory = NativeMemory.allocate(32 * 1024);
    memory.bytes.set(header);
    memory.bytes.set(frame, VNET_HEADER_BYTES);
    const ring = PacketRing.open({ interface: 'right', slots: 32 });
    const back = PacketRing.open({ interface: 'left', slots: 32 });
    const [there, again] = ['left', 'right'].map((name) => FrameSender.open({ interface: name }));
    there.queue(memory, 0, VNET_HEADER_BYTES + frame.length);
    there.flush();
    expect(there.counters).toMatchObject({ sent: 1, droppedRefused: 0 });

    for (const receiver of [ring, back]) {
      const slot = takeSlot(receiver, VIRTUAL);
      const at = receiver.frameOffset(slot);
      expect(receiver.frameLength(slot)).toBe(frame.length);
      expect(receiver.isTruncated(slot)).toBe(false);
      const seen = receiver.memory.bytes.slice(at - VNET_HEADER_BYTES, at + frame.length);
      expect(Buffer.from(seen.subarray(0, 2))).toEqual(Buffer.from(header.subarray(0, 2)));
      expect(new Uint16Array(seen.buffer, 4, 3)).toEqual(new Uint16Array(header.buffer, 4, 3));
      expect(Buffer.from(seen.subarray(VNET_HEADER_BYTES)).equals(frame)).toBe(true);
      if (receiver === ring) {
        again.queue(ring.memory, at - VNET_HEADER_BYTES, VNET_HEADER_BYTES + frame.length);
        again.flush();
      }
      receiver.release(slot);
    }
    for (const closable of [ring, back, there, again]) closable.close();
    memory.release();
  });
});

describe('fan-out by client', () => {
  const by = clientFanout({ gatewayMacs: [GATEWAY] });
  const clients = Array.from({ length: 60 }, (_, i) => 0x0a000100 + i * 7);

  it('brings each client to the ring that the function names, in both directions, our own frames included', () => {
    const rings: PacketRing[] = [];
    for (let i = 0; i < 3; i++) {
      const group = rings[0]?.fanoutGroup;
      const fanout = group === undefined ? { by } : { group, by };
      rings.push(PacketRing.open({ interface: 'right', slots: 128, slotBytes: 2048, fanout }));
    }
    expect(rings[0].fanoutGroup).toBeGreaterThanOrEqual(0);
    const [outside, inside] = ['left', 'right'].map((name) => FrameSocket.open({ interface: name }));
    for (const client of clients) outside.send(frame4(VIRTUAL, client, 0x0a000064));
    for (const client of clients) outside.send(frame4(GATEWAY, 0x0a00000b, client));
    for (const client of clients) inside.send(frame4(GATEWAY, 0x0a00000c, client));
    for (const [index, ring] of rings.entries()) {
      const own = clients.filter((client) => fanoutHash4(client) % rings.length === index);
      expect(own.length).toBeGreaterThan(5);
      const frames = take(ring);
      expect(wordsAt(frames, VIRTUAL, 26)).toEqual(own);
      expect(wordsAt(frames, GATEWAY, 30)).toEqual([...own, ...own]);
    }
    for (const closable of [...rings, outside, inside]) closable.close();
  });

  it('makes a new group for everybody who does not name one', () => {
    const rings = [1, 2].map(() =>
      PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048, fanout: { by } }),
    );
    expect(rings[0].fanoutGroup).not.toBe(rings[1].fanoutGroup);
    for (const ring of rings) ring.close();
  });
});

describe('IpSocket', () => {
  it('sends a packet of any source to its neighbour, found by the host, over IPv4 and IPv6', () => {
    // A new namespace forwards when the machine does (as one with Docker does): the packet would go round until its end.
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '0');
    const right = findLink('right')!.mac;
    const lladdr = [...right].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    ip('addr add 10.78.0.1/24 dev left');
    ip('-6 addr add fd78::1/64 dev left nodad');
    ip(`neigh add 10.78.0.2 lladdr ${lladdr} dev left nud permanent`);
    ip(`-6 neigh add fd78::2 lladdr ${lladdr} dev left nud permanent`);
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 4096 });

    const four = frame4(right, 0xcb007109, 0x0a4e0002).slice(14);
    new DataView(four.buffer).setUint16(2, four.length);
    four[8] = 64;
    const six = new Uint8Array(48);
    six.set([0x60, 0, 0, 0, 0, 8, 59, 64]);
    six.set([0xfd, 9], 8);
    six.set([0xfd, 0x78], 24);
    six[39] = 2;
    const sockets = [IpSocket.open(4), IpSocket.open(6)];
    sockets[0].send(four);
    sockets[1].send(six);
    const packets = framesTo(take(ring), right).map((frame) =>
      Buffer.from(frame.subarray(14)).toString('hex'),
    );
    expect(packets.map((packet) => packet.slice(24, 40))).toContain('cb0071090a4e0002');
    expect(packets).toContain(Buffer.from(six).toString('hex'));

    const large = new Uint8Array(4000);
    large.set(four);
    new DataView(large.buffer).setUint16(2, large.length);
    expect(() => sockets[0].send(large)).toThrow(/EMSGSIZE/);
    expect(() => sockets[0].send(six)).toThrow(/EAFNOSUPPORT/);
    expect(() => sockets[1].send(six.subarray(0, 20))).toThrow(/EINVAL/);
    for (const closable of [...sockets, ring]) closable.close();
  });
});
