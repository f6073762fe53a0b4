import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp, ipEquals, isIpAddress, parseIp, parseIpv6, writeIp } from '../../src/wire/index.js';
import { u32 } from './arbitraries.js';

/** Sixteen bytes with runs of zeros in them. */
const address6 = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff])));

describe('IPv6 addresses as text', () => {
  it('are written as RFC 5952 wants them', () => {
    for (const [given, wanted] of [
      ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['::1', '::1'],
      ['fe80::', 'fe80::'],
      ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
      ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
      ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ]) {
      const parsed = parseIp(given);
      expect(parsed, given).toBeInstanceOf(Uint8Array);
      if (parsed !== undefined) expect(formatIp(parsed)).toBe(wanted);
    }
  });

  it('are refused when they are none', () => {
    for (const text of [
      ...['', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', '12345::'],
      ...[
        'g::',
        'fe80::1%eth0',
        '::1.2.3',
        '::1.2.3.256',
        '1.2.3.4::',
        '1:2:3:4:5:6:7:1.2.3.4',
        ':1::',
        '1::2:',
      ],
      ...[' ::1', '::1 ', '::01.2.3.4', '1:2:3:4:5:6:7:', ':2:3:4:5:6:7:8'],
    ]) {
      expect(parseIpv6(text), text).toBeUndefined();
    }
    expect(parseIp('10.0.0')).toBeUndefined();
  });

  it('come back as they went', () => {
    fc.assert(
      fc.property(address6, (address) => {
        const text = formatIp(address);
        expect(isIPv6(text)).toBe(true);
        expect(parseIp(text)).toEqual(address);
      }),
    );
    fc.assert(
      fc.property(u32, (address) => {
        expect(parseIp(formatIp(address))).toBe(address);
      }),
    );
  });

  it('are accepted and refused as Node does', () => {
    const piece = fc.constantFrom('0', '1', 'ffff', '12345', ':', '::', '.', '1.2.3.4', 'x');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
        const text = pieces.join('');
        expect(parseIpv6(text) !== undefined, text).toBe(isIPv6(text));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('an address of either family', () => {
  it('equals itself and nothing else', () => {
    fc.assert(
      fc.property(address6, fc.nat(15), (address, at) => {
        const other = address.slice();
        expect(ipEquals(address, other)).toBe(true);
        other[at] ^= 1;
        expect(ipEquals(address, other)).toBe(false);
      }),
    );
    expect(ipEquals(1, 1)).toBe(true);
    expect(ipEquals(1, 2)).toBe(false);
    expect(ipEquals(1, new Uint8Array(16))).toBe(false);
  });

  it('is a 32-bit number or 16 bytes', () => {
    for (const good of [0, 0xffffffff, new Uint8Array(16)]) expect(isIpAddress(good)).toBe(true);
    for (const bad of [-1, 2 ** 32, 1.5, Number.NaN, new Uint8Array(15)])
      expect(isIpAddress(bad)).toBe(false);
  });

  it('is written in network order', () => {
    const memory = new Uint8Array(20);
    const address = Uint8Array.from({ length: 16 }, (_, n) => n + 1);
    expect(writeIp(memory, writeIp(memory, 0, 0x0a000064), address)).toBe(20);
    expect([...memory]).toEqual([10, 0, 0, 100, ...address]);
  });
});
