// A wire between eth0 and eth1 that puts a VLAN tag on what goes from eth0 to eth1, and takes tags off on the way back.
import { FrameSender, PacketRing, RingPoller, VNET_HEADER_BYTES } from 'libnetraw';
import { EtherType, MAC_BYTES, readU16, shiftVnetHeader, VLAN_TAG_BYTES, writeU16 } from 'libnetraw/wire';

const OUTGOING = 4;
const TCI = Number(process.argv[2]);
const ADDRESSES = 2 * MAC_BYTES;
const [untagged, tagged] = ['eth0', 'eth1'].map((name) => ({
  ring: PacketRing.open({ interface: name, slots: 256 }),
  sender: FrameSender.open({ interface: name }),
}));

/** Moves what stands before the EtherType, the offload header included. Gives where the frame begins now. */
function move(bytes, offset, by) {
  const from = offset - VNET_HEADER_BYTES;
  bytes.copyWithin(from + by, from, offset + ADDRESSES);
  shiftVnetHeader(bytes, from + by, -by);
  return offset + by;
}

function addTag(bytes, offset) {
  const start = move(bytes, offset, -VLAN_TAG_BYTES);
  writeU16(bytes, start + ADDRESSES, EtherType.vlan);
  writeU16(bytes, start + ADDRESSES + 2, TCI);
  return start;
}

function removeTag(bytes, offset) {
  return readU16(bytes, offset + ADDRESSES) === EtherType.vlan ? move(bytes, offset, VLAN_TAG_BYTES) : offset;
}

function carry(from, to, change) {
  const slots = new Int32Array(64);
  const count = from.ring.takeMany(slots);
  for (const slot of slots.subarray(0, count)) {
    if (from.ring.packetType(slot) === OUTGOING) continue;
    const offset = from.ring.frameOffset(slot);
    const start = change(from.ring.memory.bytes, offset);
    const length = from.ring.frameLength(slot) + offset - start;
    to.sender.queue(from.ring.memory, start - VNET_HEADER_BYTES, length + VNET_HEADER_BYTES);
  }
  to.sender.flush();
  from.ring.releaseMany(slots, count);
}

const poller = new RingPoller([untagged.ring, tagged.ring]);
console.log('ready');
for (;;) {
  carry(untagged, tagged, addTag);
  carry(tagged, untagged, removeTag);
  if (!untagged.ring.hasFrames && !tagged.ring.hasFrames) poller.poll(-1);
}
