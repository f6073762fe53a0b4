import { decodeVnetHeader, encodeVnetHeader, VnetFlag, VnetHeader, VnetSegmentation } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { Verdict } from '../src/index.js';
import { createDispatcher, createFrame, HEADROOM } from './world.js';

/** A SYN with one VLAN tag, and before it a vnet header of this content. */
function tagged(change: Partial<VnetHeader>): { memory: Uint8Array; length: number } {
  const plain = createFrame();
  const memory = new Uint8Array(plain.memory.length + 4);
  memory.set(plain.memory.subarray(0, HEADROOM + 12));
  memory.set([0x81, 0, 0, 5], HEADROOM + 12);
  memory.set(plain.memory.subarray(HEADROOM + 12), HEADROOM + 16);
  encodeVnetHeader(memory, 0, Object.assign(new VnetHeader(), change));
  return { memory, length: plain.length + 4 };
}

describe('a tagged frame that is delivered locally', () => {
  it('keeps its offload header before it, pointing at the same checksum', () => {
    const dispatcher = createDispatcher();
    const given = {
      ...{ flags: VnetFlag.needsChecksum, segmentation: VnetSegmentation.tcp4, segmentBytes: 1448 },
      ...{ headerBytes: 58, checksumStart: 38, checksumOffset: 16 },
    };
    const { memory, length } = tagged(given);
    expect(dispatcher.process(memory, HEADROOM, length, 0)).toBe(Verdict.local);
    expect(dispatcher.skipBytes).toBe(4);
    const header = new VnetHeader();
    decodeVnetHeader(memory, 4, HEADROOM, header);
    expect(header).toEqual(Object.assign(new VnetHeader(), { ...given, headerBytes: 54, checksumStart: 34 }));
    expect([memory[HEADROOM + 16], memory[HEADROOM + 17]]).toEqual([8, 0]);
  });

  it('leaves an offload header without work to do as it is', () => {
    const dispatcher = createDispatcher();
    const { memory, length } = tagged({});
    dispatcher.process(memory, HEADROOM, length, 0);
    expect([...memory.subarray(4, 4 + HEADROOM)]).toEqual(Array<number>(HEADROOM).fill(0));
  });
});
