// Shows the frames that come to a host, as they were on the wire.
import { PacketRing } from 'libnetraw';
import { serve } from './channel.mjs';

let ring;

serve({
  open(name) {
    ring = PacketRing.open({ interface: name, slots: 128, slotBytes: 2048 });
  },
  /** What others have sent since the last call. */
  received() {
    const frames = [];
    for (let slot = ring.take(); slot >= 0; slot = ring.take()) {
      const at = ring.frameOffset(slot);
      if (ring.packetType(slot) !== 4) frames.push(ring.memory.bytes.slice(at, at + ring.frameLength(slot)));
      ring.release(slot);
    }
    return frames;
  },
});
