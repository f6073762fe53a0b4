import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptNone,
  dispatcherFilter,
  findLink,
  FrameSender,
  FrameSocket,
  NativeMemory,
  PacketRing,
  readOffloads,
  Ready,
  sendFrame,
  VNET_HEADER_BYTES,
  Wake,
  writeOffloads,
} from 'libnetraw';
import { arpFrame, encodeEthernet, parseMac } from 'libnetraw/wire';

/**
 * Real frames over a real link. Runs inside a lab world (`npm run netns`), so `left` and `right`, the two ends of one
 * cable, are in a network namespace that vanishes afterwards.
 */
const BROADCAST = parseMac('ff:ff:ff:ff:ff:ff')!;
const VIRTUAL = parseMac('02:52:4d:00:00:64')!;
const STRANGER = parseMac('02:00:00:00:00:99')!;
const GROUP = parseMac('03:52:4d:00:00:64')!;
const CLUSTER = 0x0a000064;
const EXPERIMENTAL = 0x88b5;

const ip = (line: string): string => execFileSync('ip', line.split(' '), { encoding: 'utf8' });

let right: Uint8Array;

beforeAll(() => {
  ip('link add left type veth peer name right');
  for (const name of ['left', 'right']) {
    execFileSync('sh', ['-c', `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`]);
    ip(`link set ${name} up`);
  }
  right = findLink('right')!.mac;
});

afterAll(() => {
  ip('link delete left');
});

/** An Ethernet frame whose payload starts with a number. */
function numbered(destination: Uint8Array, number: number, lengthBytes = 60): Uint8Array {
  const frame = new Uint8Array(lengthBytes);
  encodeEthernet(frame, 0, destination, STRANGER, EXPERIMENTAL);
  new DataView(frame.buffer).setUint32(14, number);
  return frame;
}

/** Takes what is in the ring now, waiting a little for the first; gives the numbers in the frames. */
function drain(ring: PacketRing, timeoutMs = 200): number[] {
  const numbers: number[] = [];
  for (let slot = ring.take(); ; slot = ring.take()) {
    if (slot < 0) {
      if ((ring.poll(numbers.length === 0 ? timeoutMs : 0) & Ready.frames) === 0) return numbers;
      continue;
    }
    const bytes = ring.memory.bytes.subarray(
      ring.frameOffset(slot),
      ring.frameOffset(slot) + ring.frameLength(slot),
    );
    numbers.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(14));
    ring.release(slot);
  }
}

/** Copies frames with empty offload headers into native memory and queues them. */
function queueCopies(sender: FrameSender, memory: NativeMemory, frames: readonly Uint8Array[]): void {
  let at = 0;
  for (const frame of frames) {
    memory.bytes.fill(0, at, at + VNET_HEADER_BYTES);
    memory.bytes.set(frame, at + VNET_HEADER_BYTES);
    sender.queue(memory, at, VNET_HEADER_BYTES + frame.length);
    at += VNET_HEADER_BYTES + frame.length;
  }
}

describe('PacketRing', () => {
  it('takes frames in order, round the ring many times', () => {
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048 });
    const socket = FrameSocket.open({ interface: 'left' });
    const seen: number[] = [];
    for (let number = 0; number < 500; number++) {
      socket.send(numbered(right, number));
      if (number % 20 === 19) seen.push(...drain(ring));
    }
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(ring.statistics()).toEqual({ received: 500, dropped: 0 });
    socket.close();
    ring.close();
  });

  it('takes and hands back by the batch', () => {
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048 });
    const socket = FrameSocket.open({ interface: 'left' });
    const slots = new Int32Array(12);
    const numberIn = (slot: number) =>
      new DataView(ring.memory.bytes.buffer, ring.frameOffset(slot)).getUint32(14);
    expect([ring.hasFrames, ring.takeMany(slots)]).toEqual([false, 0]);
    const seen: number[] = [];
    const counts: number[] = [];
    for (let number = 0; number < 200; number++) {
      socket.send(numbered(right, number));
      if (number % 20 !== 19) continue;
      while (ring.hasFrames) {
        const count = ring.takeMany(slots);
        counts.push(count);
        seen.push(...Array.from(slots.subarray(0, count), numberIn));
        ring.releaseMany(slots, count);
      }
    }
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(counts).toEqual(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 12 : 8)));
    socket.close();
    ring.close();
  });

  it('counts what finds no free slot, and goes on afterwards', () => {
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048 });
    const excess = 10;
    for (let number = 0; number < ring.slots + excess; number++) sendFrame('left', numbered(right, number));
    expect(drain(ring)).toHaveLength(ring.slots);
    expect(ring.statistics()).toEqual({ received: ring.slots + excess, dropped: excess });
    sendFrame('left', numbered(right, 777));
    expect(drain(ring)).toEqual([777]);
    ring.close();
  });

  it('marks a frame that is longer than its slot', () => {
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 256 });
    sendFrame('left', numbered(right, 1, 1000));
    expect(ring.poll(200) & Ready.frames).toBe(Ready.frames);
    const slot = ring.take();
    expect(ring.isTruncated(slot)).toBe(true);
    expect(ring.frameOffset(slot) % 4).toBe(2); // so that the IP header behind 14 bytes is aligned
    ring.release(slot);
    ring.close();
  });

  it('filters in the kernel, and the filter can be replaced', () => {
    const filter = dispatcherFilter({ macs: [VIRTUAL], arpTargets: [CLUSTER] });
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048, filter });
    const arp = (targetAddress: number): Uint8Array =>
      arpFrame(BROADCAST, STRANGER, {
        operation: 1,
        senderMac: STRANGER,
        senderAddress: 0x0a000001,
        targetMac: new Uint8Array(6),
        targetAddress,
      });
    const send = (): void => {
      sendFrame('left', numbered(right, 1));
      sendFrame('left', numbered(VIRTUAL, 2));
      sendFrame('left', arp(CLUSTER + 1));
      sendFrame('left', arp(CLUSTER));
      sendFrame('right', arp(CLUSTER)); // our own announcement
      sendFrame('left', numbered(VIRTUAL, 3));
    };
    send();
    const arpHeader = 0x00010800; // hardware type, protocol type
    expect(drain(ring)).toEqual([2, arpHeader, 3]);
    ring.setFilter(acceptNone());
    send();
    expect(drain(ring, 50)).toEqual([]);
    ring.setFilter(dispatcherFilter({ macs: [right], arpTargets: [] }));
    send();
    expect(drain(ring)).toEqual([1]);
    ring.close();
  });

  it('puts MACs on the card while it wants them, and no longer', () => {
    const promiscuity = (): string => ip('-d maddress show dev right') + ip('-d link show dev right');
    const filter = dispatcherFilter({ macs: [VIRTUAL, GROUP], arpTargets: [] });
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048, filter });
    const before = promiscuity();
    ring.addMembership(VIRTUAL);
    ring.addMembership(GROUP);
    expect(ip('maddress show dev right')).toContain('03:52:4d:00:00:64');
    sendFrame('left', numbered(VIRTUAL, 1));
    sendFrame('left', numbered(GROUP, 2));
    expect(drain(ring)).toEqual([1, 2]);
    ring.dropMembership(VIRTUAL);
    ring.dropMembership(GROUP);
    expect(promiscuity()).toBe(before);
    ring.addMembership(GROUP);
    ring.close();
    expect(promiscuity()).toBe(before);
  });

  it('reports an interface that goes down, and receives again when it is up', () => {
    const filter = dispatcherFilter({ macs: [right], arpTargets: [] });
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048, filter });
    ip('link set right down');
    expect(ring.poll(200) & Ready.error).toBe(Ready.error);
    expect(ring.takeError()?.code).toBe('ENETDOWN');
    expect(ring.takeError()).toBeUndefined();
    expect(ring.poll(0)).toBe(0);
    ip('link set right up');
    sendFrame('left', numbered(right, 5));
    expect(drain(ring)).toEqual([5]);
    ring.close();
  });

  it('is woken by another thread while it blocks', async () => {
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048, filter: acceptNone() });
    const wake = Wake.create();
    const source = `
      import { workerData } from 'node:worker_threads';
      const { Wake } = await import(workerData.library);
      setTimeout(() => Wake.of(workerData.fd).signal(), 50);`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: { fd: wake.fd, library: import.meta.resolve('libnetraw') },
    });
    await once(worker, 'online');
    expect(ring.poll(10_000, wake)).toBe(Ready.woken);
    wake.clear();
    expect(ring.poll(0, wake)).toBe(0);
    await once(worker, 'exit');
    wake.close();
    ring.close();
  });

  it('reads as zeros after it was closed, for whoever kept a view', () => {
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048 });
    const { bytes } = ring.memory;
    ring.close();
    ring.close();
    expect(bytes[bytes.length - 1]).toBe(0);
  });

  it('says what is wrong when it cannot be opened', () => {
    expect(() => PacketRing.open({ interface: 'nowhere' })).toThrow(/nowhere.*ENODEV.*ip link/);
  });
});

describe('FrameSender', () => {
  it('sends more than a batch, in order, from native memory', () => {
    const ring = PacketRing.open({ interface: 'right', slots: 256, slotBytes: 2048 });
    const sender = FrameSender.open({ interface: 'left', batch: 16 });
    const memory = NativeMemory.allocate(64 * 1024);
    const frames = Array.from({ length: 100 }, (_, i) => numbered(right, i));
    queueCopies(sender, memory, frames);
    sender.flush();
    expect(drain(ring)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(sender.counters).toMatchObject({ sent: 100, sentBytes: 100 * 70, droppedBusy: 0 });
    for (const closable of [ring, sender]) closable.close();
    memory.release();
  });

  it('drops and counts what the kernel refuses, and sends the rest', () => {
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048 });
    const sender = FrameSender.open({ interface: 'left' });
    const memory = NativeMemory.allocate(64 * 1024);
    queueCopies(sender, memory, [numbered(right, 1), numbered(right, 2, 4000), numbered(right, 3)]);
    sender.flush();
    expect(drain(ring)).toEqual([1, 3]);
    expect(sender.counters).toMatchObject({ sent: 2, droppedTooLarge: 1 });

    queueCopies(sender, memory, [numbered(right, 4), numbered(right, 5)]);
    memory.bytes[1] = 77; // a kind of super-frame that does not exist
    sender.flush();
    expect(drain(ring)).toEqual([5]);
    expect(sender.counters).toMatchObject({ sent: 3, droppedRefused: 1 });

    ip('link set left down');
    queueCopies(sender, memory, [numbered(right, 6), numbered(right, 7)]);
    sender.flush();
    expect(sender.counters).toMatchObject({ sent: 3, droppedDown: 2 });
    ip('link set left up');
    for (const closable of [ring, sender]) closable.close();
    memory.release();
  });

  it('forgets what was queued when told to', () => {
    const ring = PacketRing.open({ interface: 'right', slots: 32, slotBytes: 2048 });
    const sender = FrameSender.open({ interface: 'left' });
    const memory = NativeMemory.allocate(4096);
    queueCopies(sender, memory, [numbered(right, 1)]);
    expect(sender.discard()).toBe(1);
    sender.flush();
    expect(drain(ring, 30)).toEqual([]);
    expect(() => sender.queue(memory, 4000, 100)).toThrow(/within its memory/);
    for (const closable of [ring, sender]) closable.close();
    memory.release();
  });
});

/** Two hosts joined by nothing but a program that takes frames from one ring and sends them on, super-frames included. */
describe('a wire made of two rings and two senders', () => {
  const HOSTS = ['alice', 'bob'] as const;

  beforeAll(() => {
    for (const [i, host] of HOSTS.entries()) {
      ip(`netns add ${host}`);
      ip(`link add to-${host} type veth peer name eth0 netns ${host}`);
      ip(`link set to-${host} up`);
      ip(`-n ${host} addr add 10.77.0.${i + 1}/24 dev eth0`);
      ip(`-n ${host} link set eth0 up`);
      ip(`-n ${host} link set lo up`);
    }
  });

  afterAll(() => {
    for (const host of HOSTS) ip(`netns delete ${host}`);
  });

  it('carries 50 MB intact, partly summed packets and super-frames as they are', async () => {
    const worker = new Worker(new URL('./programs/wire.mjs', import.meta.url), {
      workerData: { a: 'to-alice', b: 'to-bob' },
    });
    await once(worker, 'message');
    const bob = start('bob', RECEIVER);
    await once(bob.stderr!, 'data');
    const [received, sent] = await Promise.all([outputOf(bob), outputOf(start('alice', SENDER))]);
    expect(received).toMatch(/^[0-9a-f]{64}$/);
    expect(received).toBe(sent);
    worker.postMessage('stop');
    const [report] = (await once(worker, 'message')) as [{ largestBytes: number; lost: number }];
    expect(report.largestBytes).toBeGreaterThan(10_000);
    expect(report.lost).toBe(0);
  });
});

describe('the examples', () => {
  const run = (name: string, ...args: string[]): ChildProcess => {
    const path = fileURLToPath(new URL(`../../packages/libnetraw/examples/${name}`, import.meta.url));
    return spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  };

  it('dump packets', async () => {
    const dump = run('packet-dump.mjs', 'right', '2');
    const output = outputOf(dump);
    const sending = setInterval(() => sendFrame('left', numbered(right, 1)), 20);
    const lines = (await output).split('\n');
    clearInterval(sending);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^02:00:00:00:00:99 > [0-9a-f:]{17} +60 bytes  EtherType 0x88b5$/);
    expect(dump.exitCode).toBe(0);
  });

  it('say what is wrong', async () => {
    const dump = run('packet-dump.mjs', 'nowhere');
    let message = '';
    dump.stderr!.on('data', (data: Buffer) => (message += data.toString()));
    await once(dump, 'close');
    expect(message).toContain('ENODEV');
    expect(dump.exitCode).toBe(1);
  });

  it('list connections', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    const output = await outputOf(run('connection-list.mjs', String(port)));
    expect(output).toContain(`listening    127.0.0.1:${port}`);
    expect(output).toContain(`established  127.0.0.1:${port}  127.0.0.1:${client.localPort}`);
    client.destroy();
    server.close();
  });
});

const SENDER = `
  const body = require('crypto').randomBytes(50e6);
  const digest = require('crypto').createHash('sha256').update(body).digest('hex');
  require('net').connect(7, '10.77.0.2', function () { this.end(body); }).on('close', () => console.log(digest));`;

const RECEIVER = `
  const hash = require('crypto').createHash('sha256');
  const done = () => { console.log(hash.digest('hex')); process.exit(); };
  require('net').createServer((socket) => socket.on('data', (data) => hash.update(data)).on('end', done))
    .listen(7, () => console.error('ready'));`;

function start(host: string, source: string): ChildProcess {
  return spawn('ip', ['netns', 'exec', host, process.execPath, '-e', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function outputOf(child: ChildProcess): Promise<string> {
  let output = '';
  child.stdout!.on('data', (data: Buffer) => (output += data.toString()));
  await once(child, 'close');
  return output.trim();
}

describe('offloads', () => {
  it('are read and switched one by one; what cannot be without another goes with it', () => {
    const before = readOffloads('left');
    expect(before).toMatchObject({ txChecksum: true, tcpSegmentation: true, genericSegmentation: true });
    writeOffloads('left', { genericSegmentation: false });
    expect(readOffloads('left')).toEqual({ ...before, genericSegmentation: false });
    writeOffloads('left', { txChecksum: false });
    expect(readOffloads('left')).toMatchObject({ txChecksum: false, tcpSegmentation: false });
    writeOffloads('left', { txChecksum: true, tcpSegmentation: true, genericSegmentation: true });
    expect(readOffloads('left')).toEqual(before);
    expect(readOffloads('right')).toEqual(before);
  });

  it('of an interface that is not there are an error that says so', () => {
    for (const name of ['nowhere', 'a-name-that-is-too-long'])
      expect(() => readOffloads(name)).toThrow(expect.objectContaining({ code: 'ENODEV' }));
  });
});
