import assert from 'node:assert/strict';

/**
 * A tiny assembler for classic BPF, the packet programs of `SO_ATTACH_FILTER` and `PACKET_FANOUT_DATA` (linux/filter.h,
 * bpf(4)): an accumulator and an index register, loads from the frame, 32-bit arithmetic, jumps forward, and a return. A
 * load outside the frame ends the program with 0.
 */
export type BpfInstruction =
  | { readonly op: 'loadWord' | 'loadHalf' | 'loadByte'; readonly offset: number }
  /** How many bytes the frame has. */
  | { readonly op: 'loadLength' }
  /** From `offset` plus the index register. */
  | { readonly op: 'loadWordIndexed' | 'loadByteIndexed'; readonly offset: number }
  /** Index register: four times the low half of a byte, which is the length of the IPv4 header that starts with it. */
  | { readonly op: 'indexHeaderLength'; readonly offset: number }
  | { readonly op: 'and' | 'mod' | 'multiply' | 'shiftRight'; readonly value: number }
  | { readonly op: 'loadConstant'; readonly value: number }
  /** One of the 16 words of scratch memory: accumulator into it, and back. */
  | { readonly op: 'store' | 'loadStored'; readonly slot: number }
  /** Accumulator shifted by the index register, which must be less than 32. */
  | { readonly op: 'shiftRightIndex' }
  /** Accumulator into the index register; accumulator exclusive-or index register. */
  | { readonly op: 'toIndex' | 'xorIndex' }
  | { readonly op: 'jump'; readonly to: string }
  | {
      readonly op: 'jumpIfEqual' | 'jumpIfAnySet' | 'jumpIfGreater';
      readonly value: number;
      /** Where to go on when the test holds, or when it does not: a label further down. Absent: the next instruction. */
      readonly then?: string;
      readonly otherwise?: string;
    }
  | { readonly op: 'label'; readonly name: string }
  | { readonly op: 'accept' }
  | { readonly op: 'reject' }
  /** Ends with the accumulator as result: what a fan-out program does. */
  | { readonly op: 'returnAccumulator' };

/** An assembled program: `count` instructions of 8 bytes (`struct sock_filter`) in the machine's byte order. */
export interface BpfProgram {
  readonly code: Uint8Array;
  readonly count: number;
}

/** Offsets with which a load reads what the kernel knows about the frame instead of its bytes (SKF_*). */
export const Ancillary = {
  /** Add an offset from the start of the IP (or ARP) header. Finds only what lies in the packet's first piece of memory. */
  networkHeader: 0xfff0_0000,
  /** Add an offset from the start of the Ethernet header; the same holds. */
  linkHeader: 0xffe0_0000,
  /** PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3, OUTGOING 4. */
  packetType: 0xffff_f000 + 4,
  /** 1 if the network card took a VLAN tag off the frame. */
  vlanTagPresent: 0xffff_f000 + 48,
} as const;

/** BPF_MAXINSNS. */
const MAX_INSTRUCTIONS = 4096;
/** More than any frame is long. */
const KEEP_ALL = 0x4_0000;
/** The offsets of conditional jumps are one byte. */
const MAX_JUMP = 255;

const OPCODES = {
  loadWord: 0x20,
  loadHalf: 0x28,
  loadByte: 0x30,
  loadLength: 0x80,
  loadWordIndexed: 0x40,
  loadByteIndexed: 0x50,
  indexHeaderLength: 0xb1,
  loadConstant: 0x00,
  store: 0x02,
  loadStored: 0x60,
  shiftRightIndex: 0x7c,
  multiply: 0x24,
  and: 0x54,
  shiftRight: 0x74,
  mod: 0x94,
  xorIndex: 0xac,
  toIndex: 0x07,
  jump: 0x05,
  jumpIfEqual: 0x15,
  jumpIfGreater: 0x25,
  jumpIfAnySet: 0x45,
  return: 0x06,
  returnAccumulator: 0x16,
} as const;

/** Assembles a filter. A label that is missing, double, behind or too far ahead is an error of the programmer: it throws. */
export function assemble(instructions: readonly BpfInstruction[]): BpfProgram {
  const labels = new Map<string, number>();
  let count = 0;
  for (const instruction of instructions) {
    if (instruction.op !== 'label') {
      count += 1;
      continue;
    }
    assert(!labels.has(instruction.name), `label ${instruction.name} is defined twice`);
    labels.set(instruction.name, count);
  }
  assert(
    count > 0 && count <= MAX_INSTRUCTIONS,
    `a filter has 1 to ${MAX_INSTRUCTIONS} instructions, not ${count}`,
  );

  const code = new Uint8Array(count * 8);
  let at = 0;
  for (const instruction of instructions) {
    if (instruction.op !== 'label') encode(code, at++, instruction, labels);
  }
  return { code, count };
}

function encode(
  code: Uint8Array,
  at: number,
  instruction: Exclude<BpfInstruction, { op: 'label' }>,
  labels: ReadonlyMap<string, number>,
): void {
  const ahead = (label: string): number => {
    const target = labels.get(label);
    assert(target !== undefined, `no label ${label}`);
    assert(target > at, `label ${label} is behind its jump`);
    return target - at - 1;
  };
  const distance = (label: string | undefined): number => {
    const jump = label === undefined ? 0 : ahead(label);
    assert(jump <= MAX_JUMP, `label ${label} is ${jump} instructions ahead, at most ${MAX_JUMP} allowed`);
    return jump;
  };
  switch (instruction.op) {
    case 'accept':
      return write(code, at, OPCODES.return, KEEP_ALL);
    case 'reject':
      return write(code, at, OPCODES.return, 0);
    case 'returnAccumulator':
    case 'loadLength':
    case 'toIndex':
    case 'xorIndex':
    case 'shiftRightIndex':
      return write(code, at, OPCODES[instruction.op], 0);
    case 'jump':
      return write(code, at, OPCODES.jump, ahead(instruction.to));
    case 'loadWord':
    case 'loadHalf':
    case 'loadByte':
    case 'loadWordIndexed':
    case 'loadByteIndexed':
    case 'indexHeaderLength':
      return write(code, at, OPCODES[instruction.op], instruction.offset);
    case 'store':
    case 'loadStored':
      return write(code, at, OPCODES[instruction.op], instruction.slot);
    case 'loadConstant':
    case 'and':
    case 'mod':
    case 'multiply':
    case 'shiftRight':
      return write(code, at, OPCODES[instruction.op], instruction.value);
    default: {
      const { op, value, then, otherwise } = instruction;
      return write(code, at, OPCODES[op], value, distance(then), distance(otherwise));
    }
  }
}

function write(
  code: Uint8Array,
  at: number,
  opcode: number,
  value: number,
  jumpTrue = 0,
  jumpFalse = 0,
): void {
  new Uint16Array(code.buffer, at * 8, 1)[0] = opcode;
  code[at * 8 + 2] = jumpTrue;
  code[at * 8 + 3] = jumpFalse;
  new Uint32Array(code.buffer, at * 8 + 4, 1)[0] = value;
}
