import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ringGeometry } from '../../src/capture/ringGeometry.js';

it('gives at least the slots asked for, none across a block border, none overlapping', () => {
  const slotBytes = fc.integer({ min: 16, max: 65_536 }).map((n) => n * 16);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), slotBytes, (slots, bytes) => {
      const geometry = ringGeometry(slots, bytes);
      expect(geometry.slots).toBeGreaterThanOrEqual(slots);
      expect(geometry.offsets).toHaveLength(geometry.slots);
      expect(geometry.memoryBytes).toBe(geometry.blocks * geometry.blockBytes);
      // the kernel refuses a ring otherwise: packet_set_ring in net/packet/af_packet.c
      expect(Math.floor(geometry.blockBytes / bytes) * geometry.blocks).toBe(geometry.slots);
      let end = 0;
      for (const offset of geometry.offsets) {
        expect(offset).toBeGreaterThanOrEqual(end);
        expect(Math.floor(offset / geometry.blockBytes)).toBe(
          Math.floor((offset + bytes - 1) / geometry.blockBytes),
        );
        end = offset + bytes;
      }
    }),
    { numRuns: 60 },
  );
});

it.each([
  [0, 2048],
  [16, 100],
  [16, 2050],
  [16, 2 ** 21],
])('refuses %i slots of %i bytes', (slots, slotBytes) => {
  expect(() => ringGeometry(slots, slotBytes)).toThrow();
});
