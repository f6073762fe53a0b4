import assert from 'node:assert/strict';

/** How a ring's slots lie in memory: the kernel puts whole slots into blocks, and the blocks one after the other. */
export interface RingGeometry {
  readonly slotBytes: number;
  readonly slots: number;
  readonly blockBytes: number;
  readonly blocks: number;
  readonly memoryBytes: number;
  /** Where each slot starts. */
  readonly offsets: Uint32Array;
}

/** TPACKET_ALIGNMENT of linux/if_packet.h. */
const ALIGNMENT = 16;
/** The header of a slot, its address structure, the offload header, and the smallest Ethernet frame. */
const MIN_SLOT_BYTES = 256;
/** A power of two is what the kernel's page allocator gives out anyway; 64 KiB is a page of the largest kind. */
const MIN_BLOCK_BYTES = 64 * 1024;
const MAX_BLOCK_BYTES = 1024 * 1024;
const MAX_MEMORY_BYTES = 2 ** 31;

/**
 * Rounds the wish up to whole blocks.
 * @param slots at least so many frames
 * @param slotBytes a multiple of 16, from 256 to 1 MiB
 */
export function ringGeometry(slots: number, slotBytes: number): RingGeometry {
  assert(Number.isInteger(slots) && slots > 0, 'a ring has slots');
  assert(
    slotBytes % ALIGNMENT === 0 && slotBytes >= MIN_SLOT_BYTES && slotBytes <= MAX_BLOCK_BYTES,
    `slotBytes is a multiple of ${ALIGNMENT} from ${MIN_SLOT_BYTES} to ${MAX_BLOCK_BYTES}`,
  );
  let blockBytes = MIN_BLOCK_BYTES;
  while (blockBytes < MAX_BLOCK_BYTES && blockBytes < slots * slotBytes) blockBytes *= 2;
  const slotsPerBlock = Math.floor(blockBytes / slotBytes);
  const blocks = Math.ceil(slots / slotsPerBlock);
  const memoryBytes = blocks * blockBytes;
  assert(memoryBytes <= MAX_MEMORY_BYTES, 'a ring takes at most 2 GiB');

  const offsets = new Uint32Array(blocks * slotsPerBlock);
  for (let slot = 0; slot < offsets.length; slot++) {
    offsets[slot] = Math.floor(slot / slotsPerBlock) * blockBytes + (slot % slotsPerBlock) * slotBytes;
  }
  return { slotBytes, slots: offsets.length, blockBytes, blocks, memoryBytes, offsets };
}
