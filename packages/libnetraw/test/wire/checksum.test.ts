import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fillTransportChecksum4,
  foldSum,
  internetChecksum,
  pseudoHeaderSum4,
  pseudoHeaderSum6,
  readU16,
  readU32,
  udpChecksumOnWire,
  updateChecksum16,
  updateChecksum32,
  updatePartialSum32,
  writeU16,
  writeU32,
} from '../../src/wire/index.js';
import { u16, u32 } from './arbitraries.js';

/** Bytes whose sum is not zero: only all-zero data has two spellings of its checksum, and no header is all zero. */
const header = fc
  .uint8Array({ minLength: 8, maxLength: 64 })
  .map((bytes) => (bytes.length % 4 === 0 ? bytes : bytes.slice(0, bytes.length - (bytes.length % 4))))
  .map((bytes) => {
    bytes[0] |= 0x40;
    return bytes;
  });

describe('internet checksum', () => {
  it('agrees with the worked example of RFC 1071, section 3', () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(internetChecksum(bytes, 0, bytes.length)).toBe(~0xddf2 & 0xffff);
  });

  it('counts an odd last byte as the high half of a word', () => {
    expect(internetChecksum(Uint8Array.of(0x12, 0x34, 0x56), 0, 3)).toBe(~(0x1234 + 0x5600) & 0xffff);
  });

  it('is zero over bytes that contain their own checksum', () => {
    fc.assert(
      fc.property(header, (bytes) => {
        writeU16(bytes, 2, 0);
        writeU16(bytes, 2, internetChecksum(bytes, 0, bytes.length));
        expect(internetChecksum(bytes, 0, bytes.length)).toBe(0);
      }),
    );
  });

  it('folds sums beyond 32 bits', () => {
    expect(foldSum(0xffff * 0x10000 * 3)).toBe(foldSum(foldSum(0xffff * 0x10000) * 3));
    expect(foldSum(2 ** 40)).toBe(2 ** (40 % 16));
  });
});

describe('incremental update (RFC 1624)', () => {
  it('agrees with the worked example of RFC 1624, section 4', () => {
    expect(updateChecksum16(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  it('gives what a full computation gives, for 16-bit words', () => {
    fc.assert(
      fc.property(header, u16, fc.nat(), (bytes, word, where) => {
        const at = 2 + 2 * (where % (bytes.length / 2 - 1));
        const before = internetChecksum(bytes, 0, bytes.length);
        const old = readU16(bytes, at);
        writeU16(bytes, at, word);
        expect(updateChecksum16(before, old, word)).toBe(internetChecksum(bytes, 0, bytes.length));
      }),
    );
  });

  it('gives what a full computation gives, for 32-bit words, signed or not', () => {
    fc.assert(
      fc.property(header, u32, fc.nat(), (bytes, word, where) => {
        const at = 4 + 4 * (where % (bytes.length / 4 - 1));
        const before = internetChecksum(bytes, 0, bytes.length);
        const old = readU32(bytes, at);
        writeU32(bytes, at, word);
        const full = internetChecksum(bytes, 0, bytes.length);
        expect(updateChecksum32(before, old, word)).toBe(full);
        expect(updateChecksum32(before, old | 0, word | 0)).toBe(full);
      }),
    );
  });

  it('moves a partial sum as the pseudo header moves', () => {
    fc.assert(
      fc.property(u32, u32, u32, u16, (source, destination, other, length) => {
        const before = foldSum(pseudoHeaderSum4(source, destination, 6, length));
        const after = foldSum(pseudoHeaderSum4(source, other, 6, length));
        expect(updatePartialSum32(before, destination, other)).toBe(after);
      }),
    );
  });

  it('moves partial and full in opposite directions', () => {
    const sum = foldSum(pseudoHeaderSum4(0x0a000001, 0x0a000064, 6, 20));
    const full = ~sum & 0xffff;
    expect(updatePartialSum32(sum, 0x0a000064, 0x0a00000b)).toBe(sum - 0x59);
    expect(updateChecksum32(full, 0x0a000064, 0x0a00000b)).toBe(full + 0x59);
  });
});

describe('transport checksums', () => {
  it('fills in the checksum of a TCP segment so that a receiver sums it to zero', () => {
    // 10.0.0.1:1024 -> 10.0.0.2:80 SYN.
    const segment = new Uint8Array(20);
    segment.set([4, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff]);
    fillTransportChecksum4(segment, 0, 20, 0x0a000001, 0x0a000002, 6);
    const words = 0x0a00 + 1 + 0x0a00 + 2 + 6 + 20 + 0x0400 + 80 + 1 + 0x5002 + 0xffff;
    expect(readU16(segment, 16)).toBe(~foldSum(words) & 0xffff);
    expect(internetChecksum(segment, 0, 20, pseudoHeaderSum4(0x0a000001, 0x0a000002, 6, 20))).toBe(0);
  });

  it('never writes a UDP checksum of zero', () => {
    expect(udpChecksumOnWire(0)).toBe(0xffff);
    expect(udpChecksumOnWire(0x1234)).toBe(0x1234);
  });

  it('sums the IPv6 pseudo header as words', () => {
    const addresses = new Uint8Array(32).fill(0xff);
    expect(pseudoHeaderSum6(addresses, 0, 16, 58, 0x10002)).toBe(16 * 0xffff + 58 + 1 + 2);
  });
});
