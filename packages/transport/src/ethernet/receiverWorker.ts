/**
 * Receives ring frames in a thread of its own, which blocks in a poll: Node's event loop cannot wait for a packet socket.
 * Frames are taken apart here, so that a flood of garbage costs the main thread nothing.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PacketRing, Ready, Wake, type SystemError } from 'libnetraw';
import type { ReceivedPacket, ReceiverData, ReceiverReport } from './receiver.js';
import { ringFilter, Shared } from './receiver.js';
import { decodeRingFrame } from './ringFrame.js';

/** Room for a frame of 1,514 bytes and what the kernel puts before it; ring frames are a third of that. */
const SLOT_BYTES = 2048;
const SLOTS = 256;
const BATCH_FRAMES = 64;
/** Packets that may wait for the main thread. A stalled one has missed its heartbeats long before so many have come. */
const MAX_WAITING = 1024;

const { interface: name, shared, wakeFd } = workerData as ReceiverData;
const words = new Uint32Array(shared);
const report = (message: ReceiverReport): void => parentPort?.postMessage(message);

function open(): PacketRing | undefined {
  try {
    return PacketRing.open({ interface: name, slots: SLOTS, slotBytes: SLOT_BYTES, filter: ringFilter() });
  } catch (error) {
    const { code, message } = error as SystemError;
    report({ kind: 'failed', code, message });
    return undefined;
  }
}

/** One batch out of the ring. */
function turn(ring: PacketRing): void {
  const packets: ReceivedPacket[] = [];
  for (let frames = 0; frames < BATCH_FRAMES; frames++) {
    const slot = ring.take();
    if (slot < 0) break;
    const offset = ring.frameOffset(slot);
    const frame = ring.memory.bytes.subarray(offset, offset + ring.frameLength(slot));
    const decoded = ring.isTruncated(slot) ? undefined : decodeRingFrame(frame);
    ring.release(slot);
    if (!decoded?.ok) Atomics.add(words, Shared.malformed, 1);
    else if (Atomics.load(words, Shared.waiting) + packets.length >= MAX_WAITING)
      Atomics.add(words, Shared.overrun, 1);
    else packets.push({ from: decoded.from, packet: decoded.packet });
  }
  if (packets.length === 0) return;
  Atomics.add(words, Shared.waiting, packets.length);
  report({ kind: 'received', packets });
}

function run(ring: PacketRing): void {
  const wake = Wake.of(wakeFd);
  while (Atomics.load(words, Shared.stop) === 0) {
    const ready = ring.poll(-1, wake);
    if ((ready & Ready.frames) !== 0) turn(ring);
    // The interface went down: reported once, and frames come again when it is up.
    if ((ready & Ready.error) !== 0) ring.takeError();
  }
  ring.close();
}

const ring = open();
if (ring !== undefined) {
  report({ kind: 'ready' });
  run(ring);
}
