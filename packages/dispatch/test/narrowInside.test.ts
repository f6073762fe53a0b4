import { readU16, readU32 } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { DropReason, Verdict } from '../src/index.js';
import { createDispatcher, createFrame, createFrame6, HEADROOM, server, TcpFlags } from './world.js';

/** L4/2 with two interfaces, of which the inner one takes less than the outer. */
const mtuBytes = { inner: 1300, outer: 1500 };
const IP = 14;

type Create = (change?: { flags?: number; payloadBytes?: number }) => ReturnType<typeof createFrame>;

/** Opens a connection to 10.0.0.12, or to this node itself, and sends so much on it; nothing is asked of segmentation. */
function carry(create: Create, payloadBytes: number, local = false, options = { mtuBytes }) {
  const dispatcher = createDispatcher(options);
  dispatcher.setServers([server(local ? 11 : 12)], 0);
  const process = ({ memory, length }: ReturnType<typeof createFrame>) => {
    memory.fill(0, 0, HEADROOM);
    return { memory, verdict: dispatcher.process(memory, HEADROOM, length, 1000) };
  };
  process(create());
  const { memory, verdict } = process(create({ flags: TcpFlags.ack, payloadBytes }));
  return { dispatcher, memory, verdict };
}

describe('what is too big for the servers, and cannot be cut', () => {
  it('is answered with the size that fits, in IPv4', () => {
    const { dispatcher, memory, verdict } = carry(createFrame, 1400);
    expect(verdict).toBe(Verdict.answer);
    const { reply } = dispatcher;
    expect([...reply.subarray(IP + 12, IP + 16)]).toEqual([10, 0, 0, 100]);
    expect([...reply.subarray(IP + 16, IP + 20)]).toEqual([10, 9, 0, 2]);
    expect([...reply.subarray(IP + 20, IP + 22)]).toEqual([3, 4]);
    expect(readU16(reply, IP + 26)).toBe(1300);
    // RFC 792: the header of what was refused, and the first bytes behind it, which name the connection.
    expect([...reply.subarray(IP + 28, IP + 56)]).toEqual([
      ...memory.subarray(HEADROOM + IP, HEADROOM + IP + 28),
    ]);
  });

  it('is answered with the size that fits, in IPv6', () => {
    const { dispatcher, verdict } = carry(createFrame6, 1400);
    expect(verdict).toBe(Verdict.answer);
    expect([...dispatcher.reply.subarray(IP + 40, IP + 42)]).toEqual([2, 0]);
    expect(readU32(dispatcher.reply, IP + 44)).toBe(1300);
  });

  it('is no matter for what fits, for this node itself, and where both sides take the same', () => {
    expect(carry(createFrame, 1260).verdict).toBe(Verdict.forward);
    expect(carry(createFrame, 1400, true).verdict).toBe(Verdict.local);
    const same = { mtuBytes: { inner: 1300, outer: 1300 } };
    expect(carry(createFrame, 1400, false, same).verdict).toBe(Verdict.forward);
  });

  it('is dropped when its sender wants it cut: nobody on the way can', () => {
    const dispatcher = createDispatcher({ mtuBytes });
    dispatcher.setServers([server(12)], 0);
    const { memory, length } = createFrame({ protocol: 17, port: 53, payloadBytes: 1400 });
    memory.fill(0, 0, HEADROOM);
    memory[HEADROOM + IP + 6] &= ~0x40; // "don't fragment"; nobody looks at the header's checksum
    expect(dispatcher.process(memory, HEADROOM, length, 1000)).toBe(Verdict.drop);
    expect(dispatcher.dropReason).toBe(DropReason.tooBig);
  });
});
