import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerLimit } from '../../src/nat/answerLimit.js';
import { hopsOf, takeHop } from '../../src/nat/hops.js';
import { IcmpAnswers, IcmpError } from '../../src/nat/icmpAnswer.js';
import { Reply } from '../../src/neighbours/reply.js';
import {
  ends,
  errorPacket,
  families,
  frameOf,
  fullChecksum,
  HEADROOM,
  payloads,
  segmentPacket,
  sumOf,
} from './packets.js';

const SIZES = { 4: { header: 20, most: 576 }, 6: { header: 40, most: 1280 } };

describe('hops', () => {
  it('one less, and the header checksum is right', () => {
    fc.assert(
      fc.property(
        families.chain((family) => fc.tuple(ends(family), ends(family))),
        fc.integer({ min: 2, max: 255 }),
        ([from, to], hops) => {
          const { memory, packet } = frameOf(segmentPacket(from, to, 6, Uint8Array.of(1), 'full', hops));
          expect(hopsOf(memory, packet)).toBe(hops);
          takeHop(memory, packet);
          expect(memory.subarray(packet.ipOffset)).toEqual(
            segmentPacket(from, to, 6, Uint8Array.of(1), 'full', hops - 1),
          );
        },
      ),
    );
  });
});

describe('errors', () => {
  const packets = families.chain((family) =>
    fc.record({
      from: ends(family),
      to: ends(family),
      answerer: ends(family),
      payload: fc.oneof(payloads, fc.uint8Array({ minLength: 1400, maxLength: 1500 })),
      linkBytes: fc.constantFrom(14, 18),
      kind: fc.constantFrom(IcmpError.timeExceeded, IcmpError.tooBig),
    }),
  );

  it('go back to the sender, quote as much as they may, and have the right sums', () => {
    fc.assert(
      fc.property(packets, ({ from, to, answerer, payload, linkBytes, kind }) => {
        const ip = segmentPacket(from, to, 17, payload, 'full');
        const { memory, packet } = frameOf(ip, linkBytes);
        const before = memory.slice();
        const reply = new Reply(1500);
        const mtu = kind === IcmpError.tooBig ? 1400 : 0;
        new IcmpAnswers(reply).error(memory, HEADROOM, packet, kind, answerer.address, mtu);
        const { bytes, length } = reply;
        expect(memory).toEqual(before);
        const { header, most } = SIZES[packet.family];
        const quoted = Math.min(ip.length, most - header - 8);
        expect(length).toBe(linkBytes + header + 8 + quoted);
        expect(bytes.subarray(0, 6)).toEqual(memory.subarray(HEADROOM + 6, HEADROOM + 12));
        expect(bytes.subarray(6, 12)).toEqual(memory.subarray(HEADROOM, HEADROOM + 6));
        expect(bytes.subarray(12, linkBytes)).toEqual(memory.subarray(HEADROOM + 12, HEADROOM + linkBytes));
        const answer = bytes.slice(linkBytes, length);
        expect(answer.subarray(header - 2 * from.address.length, header)).toEqual(
          Uint8Array.from([...answerer.address, ...from.address]),
        );
        const message = answer.subarray(header);
        const names = {
          4: [
            [11, 0],
            [3, 4],
          ],
          6: [
            [3, 0],
            [2, 0],
          ],
        }[packet.family];
        expect([message[0], message[1]]).toEqual(names[kind]);
        expect([...message.subarray(4, 8)]).toEqual([0, 0, mtu >>> 8, mtu & 0xff]);
        expect(message.subarray(8)).toEqual(ip.subarray(0, quoted));
        expect((message[2] << 8) | message[3]).toBe(
          fullChecksum(message, answerer, from, packet.family === 4 ? 1 : 58),
        );
        if (packet.family === 4) expect(sumOf(answer.subarray(0, 20))).toBe(0xffff);
        else expect((answer[4] << 8) | answer[5]).toBe(8 + quoted);
      }),
    );
  });
});

describe('pings', () => {
  it('are answered from the address that was asked, with what they carried', () => {
    fc.assert(
      fc.property(
        families.chain((family) => fc.record({ from: ends(family), to: ends(family), payload: payloads })),
        ({ from, to, payload }) => {
          const ip = errorPacket(from, to, payload);
          const { memory, packet } = frameOf(ip);
          const v4 = packet.family === 4;
          memory.set([v4 ? 8 : 128, 0, 0, 0, 7, 7, 0, 1], packet.transportOffset);
          const reply = new Reply(1500);
          expect(new IcmpAnswers(reply).echo(memory, HEADROOM, packet)).toBe(true);
          const { bytes, length } = reply;
          const expected = errorPacket(to, from, payload);
          const header = v4 ? 20 : 40;
          expected.set([v4 ? 0 : 129, 0, 0, 0, 7, 7, 0, 1], header);
          const sum = fullChecksum(expected.subarray(header), to, from, v4 ? 1 : 58);
          expected.set([sum >>> 8, sum & 0xff], header + 2);
          const answer = bytes.slice(14, length);
          if (v4) {
            // The identification is ours to choose, and the checksum with it.
            expect(sumOf(answer.subarray(0, 20))).toBe(0xffff);
            answer.copyWithin(4, 4, 6);
            expected.set(answer.subarray(4, 6), 4);
            expected.set(answer.subarray(10, 12), 10);
          }
          expect(answer).toEqual(expected);
        },
      ),
    );
  });

  it('that are too long for one frame are not', () => {
    const source = { address: Uint8Array.of(10, 9, 0, 2), port: 0 };
    const destination = { address: Uint8Array.of(10, 0, 0, 100), port: 0 };
    const reply = new Reply(1500);
    const answers = new IcmpAnswers(reply);
    const longest = frameOf(errorPacket(source, destination, new Uint8Array(1472)));
    expect(answers.echo(longest.memory, HEADROOM, longest.packet)).toBe(true);
    expect(reply.length).toBe(14 + 1500);
    const longer = frameOf(errorPacket(source, destination, new Uint8Array(1473)));
    expect(answers.echo(longer.memory, HEADROOM, longer.packet)).toBe(false);
  });
});

describe('AnswerLimit', () => {
  it('lets a burst through, then so many a second', () => {
    const limit = new AnswerLimit(100, 5);
    const taken = (nowMs: number): number => {
      let count = 0;
      while (limit.take(nowMs)) count++;
      return count;
    };
    expect(taken(1000)).toBe(5);
    expect(taken(1009)).toBe(0);
    expect(taken(1010)).toBe(1);
    expect(taken(1040)).toBe(3);
    expect(taken(100_000)).toBe(5);
  });

  it('goes on over the wrap of its clock, and does not heed a clock that goes back', () => {
    const limit = new AnswerLimit(1000, 1);
    const last = 2 ** 32 - 1;
    expect(limit.take(last)).toBe(true);
    expect(limit.take(last)).toBe(false);
    expect(limit.take(last - 500)).toBe(false);
    expect(limit.take(last + 1)).toBe(true);
  });
});
