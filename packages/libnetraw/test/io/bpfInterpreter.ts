import { Ancillary, type BpfProgram } from '../../src/index.js';

/** What a kernel that follows bpf(4) would do with a frame: how many bytes it keeps. */
export function interpret(
  program: BpfProgram,
  frame: Uint8Array,
  known: { packetType?: number; vlanTagPresent?: number } = {},
): number {
  const code = new DataView(program.code.buffer);
  const bytes = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let accumulator = 0;
  for (let at = 0; at < program.count; at++) {
    const opcode = code.getUint16(at * 8, true);
    const k = code.getUint32(at * 8 + 4, true);
    const jump = (holds: boolean): void => void (at += code.getUint8(at * 8 + (holds ? 2 : 3)));
    const fits = (size: number): boolean => k + size <= frame.length;
    if (opcode === 0x06) return k;
    if (opcode === 0x20 && k === Ancillary.packetType) accumulator = known.packetType ?? 0;
    else if (opcode === 0x20 && k === Ancillary.vlanTagPresent) accumulator = known.vlanTagPresent ?? 0;
    else if (opcode === 0x20) {
      if (!fits(4)) return 0;
      accumulator = bytes.getUint32(k);
    } else if (opcode === 0x28) {
      if (!fits(2)) return 0;
      accumulator = bytes.getUint16(k);
    } else if (opcode === 0x15) jump(accumulator === k);
    else throw new Error(`opcode ${opcode} is not needed by these tests`);
  }
  throw new Error('the program runs off its end, which the kernel does not load');
}
