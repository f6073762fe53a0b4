import fc from 'fast-check';

export const u8 = fc.integer({ min: 0, max: 0xff });
export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffffffff });
export const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });

/**
 * Runs a decoder over the same bytes in two surroundings, one of zeros and one of ones. If the two answers agree, no
 * byte from outside had a say in them.
 */
export function decodeInTwoSurroundings<T>(
  bytes: Uint8Array,
  decode: (memory: Uint8Array, offset: number, length: number) => T,
): { zeros: T; ones: T } {
  const margin = 64;
  const surround = (fill: number): T => {
    const memory = new Uint8Array(bytes.length + 2 * margin).fill(fill);
    memory.set(bytes, margin);
    return decode(memory, margin, bytes.length);
  };
  return { zeros: surround(0), ones: surround(0xff) };
}
