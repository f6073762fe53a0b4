/** Big-endian (network order) words in a byte array. Callers check the bounds: a codec does it once per header. */

/** The unsigned 16-bit word at `offset`. */
export function readU16(memory: Uint8Array, offset: number): number {
  return (memory[offset] << 8) | memory[offset + 1];
}

/** The unsigned 32-bit word at `offset`. */
export function readU32(memory: Uint8Array, offset: number): number {
  return readI32(memory, offset) >>> 0;
}

/** The same 32 bits as {@link readU32}, signed: a small integer to the engine, and so cheaper in hash keys. */
export function readI32(memory: Uint8Array, offset: number): number {
  return (memory[offset] << 24) | (memory[offset + 1] << 16) | (memory[offset + 2] << 8) | memory[offset + 3];
}

/** Writes the low 16 bits of `value`. */
export function writeU16(memory: Uint8Array, offset: number, value: number): void {
  memory[offset] = value >>> 8;
  memory[offset + 1] = value;
}

/** Writes the low 32 bits of `value`, signed or not. */
export function writeU32(memory: Uint8Array, offset: number, value: number): void {
  memory[offset] = value >>> 24;
  memory[offset + 1] = value >>> 16;
  memory[offset + 2] = value >>> 8;
  memory[offset + 3] = value;
}
