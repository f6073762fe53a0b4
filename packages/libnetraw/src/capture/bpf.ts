import assert from 'node:assert/strict';

/**
 * A tiny assembler for classic BPF, the packet filter of `SO_ATTACH_FILTER` (linux/filter.h, bpf(4)): an accumulator,
 * loads from the frame, comparisons that jump forward, and a return that says how many bytes of the frame to keep.
 */
export type BpfInstruction =
  | { readonly op: 'loadWord' | 'loadHalf' | 'loadByte'; readonly offset: number }
  | { readonly op: 'and' | 'mod'; readonly value: number }
  | {
      readonly op: 'jumpIfEqual' | 'jumpIfAnySet' | 'jumpIfGreater';
      readonly value: number;
      /** Where to go on when the test holds, or when it does not: a label further down. Absent: the next instruction. */
      readonly then?: string;
      readonly otherwise?: string;
    }
  | { readonly op: 'label'; readonly name: string }
  | { readonly op: 'accept' }
  | { readonly op: 'reject' };

/** An assembled program: `count` instructions of 8 bytes (`struct sock_filter`) in the machine's byte order. */
export interface BpfProgram {
  readonly code: Uint8Array;
  readonly count: number;
}

/** Offsets with which a load reads what the kernel knows about the frame instead of its bytes (SKF_AD_*). */
export const Ancillary = {
  /** PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3, OUTGOING 4. */
  packetType: 0xffff_f000 + 4,
  /** 1 if the network card took a VLAN tag off the frame. */
  vlanTagPresent: 0xffff_f000 + 48,
} as const;

/** BPF_MAXINSNS. */
const MAX_INSTRUCTIONS = 4096;
/** More than any frame is long. */
const KEEP_ALL = 0x4_0000;
/** Jump offsets are one byte. */
const MAX_JUMP = 255;

const OPCODES = {
  loadWord: 0x20,
  loadHalf: 0x28,
  loadByte: 0x30,
  and: 0x54,
  mod: 0x94,
  jumpIfEqual: 0x15,
  jumpIfGreater: 0x25,
  jumpIfAnySet: 0x45,
  return: 0x06,
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
  const distance = (label: string | undefined): number => {
    if (label === undefined) return 0;
    const target = labels.get(label);
    assert(target !== undefined, `no label ${label}`);
    const jump = target - at - 1;
    assert(
      jump >= 0 && jump <= MAX_JUMP,
      `label ${label} is ${jump} instructions ahead, 0 to ${MAX_JUMP} allowed`,
    );
    return jump;
  };
  switch (instruction.op) {
    case 'accept':
      return write(code, at, OPCODES.return, KEEP_ALL);
    case 'reject':
      return write(code, at, OPCODES.return, 0);
    case 'loadWord':
    case 'loadHalf':
    case 'loadByte':
      return write(code, at, OPCODES[instruction.op], instruction.offset);
    case 'and':
    case 'mod':
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
