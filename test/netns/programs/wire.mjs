// A wire between two interfaces, in a worker: what arrives at one goes out at the other, unchanged.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { FrameSender, PacketRing, Ready, VNET_HEADER_BYTES } from 'libnetraw';

const OUTGOING = 4;
const ends = [workerData.a, workerData.b].map((name) => ({
  ring: PacketRing.open({ interface: name, slots: 256 }),
  sender: FrameSender.open({ interface: name }),
}));
let largestBytes = 0;

/** Passes on what waits at one end; returns whether there was anything. */
function carry(from, to) {
  const taken = [];
  while (taken.length < 64) {
    const slot = from.ring.take();
    if (slot < 0) break;
    taken.push(slot);
    if (from.ring.packetType(slot) === OUTGOING) continue;
    const lengthBytes = from.ring.frameLength(slot);
    largestBytes = Math.max(largestBytes, lengthBytes);
    to.sender.queue(
      from.ring.memory,
      from.ring.frameOffset(slot) - VNET_HEADER_BYTES,
      lengthBytes + VNET_HEADER_BYTES,
    );
  }
  to.sender.flush();
  for (const slot of taken) from.ring.release(slot);
  return taken.length > 0;
}

parentPort.postMessage('ready');
while (receiveMessageOnPort(parentPort) === undefined) {
  const busy = [carry(ends[0], ends[1]), carry(ends[1], ends[0])];
  if (!busy.includes(true) && (ends[0].ring.poll(1) & Ready.frames) === 0) ends[1].ring.poll(1);
}

const lost = ends
  .map(
    ({ ring, sender }) =>
      ring.statistics().dropped + sender.counters.droppedBusy + sender.counters.droppedTooLarge,
  )
  .reduce((sum, dropped) => sum + dropped);
for (const { ring, sender } of ends) {
  ring.close();
  sender.close();
}
parentPort.postMessage({ largestBytes, lost });
