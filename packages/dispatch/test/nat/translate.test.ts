import fc from 'fast-check';
import { Segmenter } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { Side } from '../../src/nat/packet.js';
import { type End, translate, translateError } from '../../src/nat/translate.js';
import {
  ends,
  type Endpoint,
  errorPacket,
  families,
  frameOf,
  markPartial,
  payloads,
  placesOf,
  protocols,
  segmentPacket,
} from './packets.js';

const asEnd = ({ address, port }: Endpoint): End => ({ bytes: address, at: 0, port });

const cases = fc.tuple(families, protocols).chain(([family, protocol]) =>
  fc.record({
    protocol: fc.constant(protocol),
    source: ends(family),
    destination: ends(family),
    other: ends(family),
    payload: payloads,
    side: fc.constantFrom(Side.source, Side.destination),
  }),
);

/** The two ends after one of them was replaced. */
function replaced(
  source: Endpoint,
  destination: Endpoint,
  side: Side,
  other: Endpoint,
): [Endpoint, Endpoint] {
  return side === Side.source ? [other, destination] : [source, other];
}

describe('translate', () => {
  it('a full checksum comes out as if it had been added up anew', () => {
    fc.assert(
      fc.property(cases, ({ protocol, source, destination, other, payload, side }) => {
        const { memory, packet } = frameOf(segmentPacket(source, destination, protocol, payload, 'full'));
        translate(memory, packet, side, asEnd(other), false);
        const [from, to] = replaced(source, destination, side, other);
        expect(memory.subarray(packet.ipOffset)).toEqual(segmentPacket(from, to, protocol, payload, 'full'));
      }),
    );
  });

  it('a partial sum stays that of the pseudo header, and is right once a network card has completed it', () => {
    fc.assert(
      fc.property(cases, ({ protocol, source, destination, other, payload, side }) => {
        const built = frameOf(segmentPacket(source, destination, protocol, payload, 'partial'));
        const { memory, packet, offset } = built;
        markPartial(built);
        translate(memory, packet, side, asEnd(other), true);
        const [from, to] = replaced(source, destination, side, other);
        expect(memory.subarray(packet.ipOffset)).toEqual(
          segmentPacket(from, to, protocol, payload, 'partial'),
        );
        const completed = new Uint8Array(memory.length);
        const segmenter = new Segmenter();
        expect(segmenter.read(memory, offset, memory.length - offset)).toBe(1);
        const length = segmenter.write(0, completed, 0);
        expect(completed.subarray(0, length)).toEqual(segmentPacket(from, to, protocol, payload, 'full'));
      }),
    );
  });

  it('out and back gives the same bytes', () => {
    fc.assert(
      fc.property(cases, fc.boolean(), ({ protocol, source, destination, other, payload, side }, partial) => {
        const sum = partial ? 'partial' : 'full';
        const { memory, packet } = frameOf(segmentPacket(source, destination, protocol, payload, sum));
        const before = memory.slice();
        translate(memory, packet, side, asEnd(other), partial);
        translate(memory, packet, side, asEnd(side === Side.source ? source : destination), partial);
        expect(memory).toEqual(before);
      }),
    );
  });

  it('no UDP checksum stays none', () => {
    fc.assert(
      fc.property(cases, ({ source, destination, other, payload, side }) => {
        const { memory, packet } = frameOf(segmentPacket(source, destination, 17, payload, 'none'));
        translate(memory, packet, side, asEnd(other), false);
        const [from, to] = replaced(source, destination, side, other);
        expect(memory.subarray(packet.ipOffset)).toEqual(segmentPacket(from, to, 17, payload, 'none'));
      }),
    );
  });

  it('port 0 leaves the port', () => {
    fc.assert(
      fc.property(cases, ({ protocol, source, destination, other, payload, side }) => {
        const { memory, packet } = frameOf(segmentPacket(source, destination, protocol, payload, 'full'));
        translate(memory, packet, side, { ...asEnd(other), port: 0 }, false);
        const kept = { ...other, port: (side === Side.source ? source : destination).port };
        const [from, to] = replaced(source, destination, side, kept);
        expect(memory.subarray(packet.ipOffset)).toEqual(segmentPacket(from, to, protocol, payload, 'full'));
      }),
    );
  });

  it('of a fragment that is not the first only the addresses change', () => {
    fc.assert(
      fc.property(cases, ({ protocol, source, destination, other, payload, side }) => {
        const { memory, packet } = frameOf(segmentPacket(source, destination, protocol, payload, 'full'));
        const behind = memory.slice(packet.transportOffset);
        translate(memory, { ...packet, transportOffset: -1 }, side, asEnd(other), false);
        expect(memory.subarray(packet.transportOffset)).toEqual(behind);
        const [from, to] = replaced(source, destination, side, other);
        const headerBytes = packet.transportOffset - packet.ipOffset;
        expect(memory.subarray(packet.ipOffset, packet.transportOffset)).toEqual(
          segmentPacket(from, to, protocol, payload, 'full').subarray(0, headerBytes),
        );
      }),
    );
  });

  it('a UDP checksum that comes out as zero is written as all ones (RFC 768)', () => {
    const source = { address: Uint8Array.of(10, 9, 0, 2), port: 1000 };
    const destination = { address: Uint8Array.of(10, 0, 0, 100), port: 53 };
    const server = { address: Uint8Array.of(10, 0, 0, 12), port: 53 };
    // The one payload that makes the checksum zero once the server's address is in the pseudo header.
    const sum = segmentPacket(source, server, 17, Uint8Array.of(0, 0), 'full').subarray(26, 28);
    const { memory, packet } = frameOf(segmentPacket(source, destination, 17, sum, 'full'));
    translate(memory, packet, Side.destination, asEnd(server), false);
    expect([...memory.subarray(packet.transportOffset + 6, packet.transportOffset + 8)]).toEqual([
      0xff, 0xff,
    ]);
    expect(memory.subarray(packet.ipOffset)).toEqual(segmentPacket(source, server, 17, sum, 'full'));
  });
});

describe('translateError', () => {
  const errors = fc.tuple(families, protocols).chain(([family, protocol]) =>
    fc.record({
      protocol: fc.constant(protocol),
      router: ends(family),
      cluster: ends(family),
      client: ends(family),
      server: ends(family),
      payload: payloads,
      /** Bytes of the transport header and what follows it that are quoted: 8 at least (RFC 792); not half a checksum. */
      quotedBytes: fc.integer({ min: 8, max: 60 }).filter((bytes) => bytes !== 17),
      sum: fc.constantFrom('full' as const, 'none' as const),
    }),
  );
  type Case = typeof errors extends fc.Arbitrary<infer T> ? T : never;

  /** An error of `router` to `to` about the packet that `to` had sent to the client, quoted up to `quotedBytes`. */
  function errorTo(to: Endpoint, { router, client, protocol, payload, quotedBytes, sum }: Case): Uint8Array {
    const quoted = segmentPacket(to, client, protocol, payload, protocol === 6 ? 'full' : sum);
    const headerBytes = quoted[0] >>> 4 === 4 ? 20 : 40;
    return errorPacket(router, to, quoted.subarray(0, headerBytes + quotedBytes));
  }

  /** An error of `from` to the client about the packet that the client had sent to `from`. */
  function errorFrom(from: Endpoint, { client, protocol, payload, quotedBytes, sum }: Case): Uint8Array {
    const quoted = segmentPacket(client, from, protocol, payload, protocol === 6 ? 'full' : sum);
    const headerBytes = quoted[0] >>> 4 === 4 ? 20 : 40;
    return errorPacket(from, client, quoted.subarray(0, headerBytes + quotedBytes));
  }

  function rewrite(ip: Uint8Array, side: Side, end: End): Uint8Array {
    const { memory, packet } = frameOf(ip);
    const quotedAt = packet.transportOffset + 8;
    const quoted = placesOf(memory.subarray(quotedAt), quotedAt);
    translateError(memory, packet, quoted, side, end, false);
    return memory.slice(packet.ipOffset);
  }

  it('towards the server: the error is as if the network had met the server itself', () => {
    fc.assert(
      fc.property(errors, (given) => {
        const there = rewrite(errorTo(given.cluster, given), Side.destination, asEnd(given.server));
        expect(there).toEqual(errorTo(given.server, given));
        expect(rewrite(there, Side.destination, asEnd(given.cluster))).toEqual(errorTo(given.cluster, given));
      }),
    );
  });

  it('towards the client: the error is as if the cluster itself had sent it', () => {
    fc.assert(
      fc.property(errors, (given) => {
        const there = rewrite(errorFrom(given.server, given), Side.source, asEnd(given.cluster));
        expect(there).toEqual(errorFrom(given.cluster, given));
        expect(rewrite(there, Side.source, asEnd(given.server))).toEqual(errorFrom(given.server, given));
      }),
    );
  });

  it('a quoted fragment that is not the first has no ports to rewrite', () => {
    fc.assert(
      fc.property(errors, (given) => {
        const { memory, packet } = frameOf(errorTo(given.cluster, given));
        const quotedAt = packet.transportOffset + 8;
        const quoted = { ...placesOf(memory.subarray(quotedAt), quotedAt), transportOffset: -1 };
        const headerBytes = quoted.family === 4 ? 20 : 40;
        const behind = memory.slice(quotedAt + headerBytes);
        translateError(memory, packet, quoted, Side.destination, asEnd(given.server), false);
        expect(memory.subarray(quotedAt + headerBytes)).toEqual(behind);
        // Its sum is right again: an error made of the rewritten quotation is the same.
        expect(memory.subarray(packet.ipOffset)).toEqual(
          errorPacket(given.router, given.server, memory.subarray(quotedAt)),
        );
      }),
    );
  });
});
