import { Ancillary, type BpfProgram } from '../../src/index.js';

/** What the kernel knows beside the bytes, and where it has put offset 0: a filter's is the Ethernet header. */
export interface Known {
  readonly packetType?: number;
  readonly vlanTagPresent?: number;
  /** Offset 0 of the program, in the frame. Default 0. */
  readonly start?: number;
  /** Where the IP header is. Default 14. */
  readonly network?: number;
}

/** What a kernel that follows bpf(4) would do with a frame: how many bytes it keeps, or what it returns. */
export function interpret(program: BpfProgram, frame: Uint8Array, known: Known = {}): number {
  const code = new DataView(program.code.buffer);
  const bytes = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const { start = 0, network = 14 } = known;
  let accumulator = 0;
  let index = 0;
  const scratch = new Uint32Array(16);

  /** The unsigned value at an offset, or undefined outside the frame. */
  function load(size: 1 | 2 | 4, k: number): number | undefined {
    if (k === Ancillary.packetType) return known.packetType ?? 0;
    if (k === Ancillary.vlanTagPresent) return known.vlanTagPresent ?? 0;
    let at = k + start;
    if (k >= Ancillary.networkHeader) at = k - Ancillary.networkHeader + network;
    else if (k >= Ancillary.linkHeader) at = k - Ancillary.linkHeader;
    if (at + size > frame.length) return undefined;
    if (size === 4) return bytes.getUint32(at);
    return size === 2 ? bytes.getUint16(at) : bytes.getUint8(at);
  }

  for (let at = 0; at < program.count; at++) {
    const opcode = code.getUint16(at * 8, true);
    const k = code.getUint32(at * 8 + 4, true);
    const jump = (holds: boolean): void => void (at += code.getUint8(at * 8 + (holds ? 2 : 3)));
    switch (opcode) {
      case 0x06:
        return k;
      case 0x16:
        return accumulator;
      case 0x20:
      case 0x28:
      case 0x30:
      case 0x40:
      case 0x50: {
        const size = ({ 0x00: 4, 0x08: 2, 0x10: 1 } as const)[opcode & 0x18]!;
        const value = load(size, (opcode & 0x40) === 0 ? k : k + index);
        if (value === undefined) return 0;
        accumulator = value;
        break;
      }
      case 0x00:
        accumulator = k;
        break;
      case 0x02:
        scratch[k] = accumulator;
        break;
      case 0x60:
        accumulator = scratch[k]!;
        break;
      case 0x7c:
        if (index > 31) throw new Error('a shift by more than the word has');
        accumulator >>>= index;
        break;
      case 0x80:
        accumulator = frame.length;
        break;
      case 0xb1: {
        const value = load(1, k);
        if (value === undefined) return 0;
        index = (value & 0xf) * 4;
        break;
      }
      case 0x05:
        at += k;
        break;
      case 0x07:
        index = accumulator;
        break;
      case 0x15:
        jump(accumulator === k);
        break;
      case 0x25:
        jump(accumulator > k);
        break;
      case 0x45:
        jump((accumulator & k) !== 0);
        break;
      case 0x24:
        accumulator = Math.imul(accumulator, k) >>> 0;
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x74:
        accumulator >>>= k;
        break;
      case 0xac:
        accumulator = (accumulator ^ index) >>> 0;
        break;
      default:
        throw new Error(`opcode ${opcode} is not needed by these tests`);
    }
  }
  throw new Error('the program runs off its end, which the kernel does not load');
}
