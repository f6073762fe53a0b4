import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptAll, acceptNone, assemble, dispatcherFilter } from '../../src/index.js';
import { arpFrame, encodeEthernet, parseMac } from '../../src/wire/index.js';
import { interpret } from './bpfInterpreter.js';

const MAC = parseMac('02:52:4d:00:00:64')!;
const SIBLING = parseMac('02:52:4d:00:00:65')!;
const OTHER = parseMac('02:00:0a:00:00:0b')!;
const BROADCAST = parseMac('ff:ff:ff:ff:ff:ff')!;
const CLUSTER = 0x0a000064;

function frameTo(destination: Uint8Array, etherType = 0x0800): Uint8Array {
  const frame = new Uint8Array(60);
  encodeEthernet(frame, 0, destination, OTHER, etherType);
  return frame;
}

function arpAbout(targetAddress: number): Uint8Array {
  const fields = { operation: 1, senderMac: OTHER, senderAddress: 0x0a000001, targetMac: MAC, targetAddress };
  return arpFrame(BROADCAST, OTHER, fields);
}

describe('assemble', () => {
  it('encodes as the kernel headers say', () => {
    const { code, count } = assemble([
      { op: 'loadHalf', offset: 12 },
      { op: 'jumpIfEqual', value: 0x0806, otherwise: 'no' },
      { op: 'accept' },
      { op: 'label', name: 'no' },
      { op: 'reject' },
    ]);
    expect(count).toBe(4);
    // what `tcpdump -dd arp` prints: { 0x28, 0, 0, 12 }, { 0x15, 0, 1, 0x806 }, { 0x6, 0, 0, 262144 }, { 0x6, 0, 0, 0 }
    expect(Buffer.from(code).toString('hex')).toBe(
      '280000000c000000' + '1500000106080000' + '0600000000000400' + '0600000000000000',
    );
  });

  it.each([
    ['missing', [{ op: 'jumpIfEqual', value: 1, then: 'nowhere' }, { op: 'accept' }]],
    ['behind', [{ op: 'label', name: 'l' }, { op: 'accept' }, { op: 'jumpIfEqual', value: 1, then: 'l' }]],
    ['double', [{ op: 'label', name: 'l' }, { op: 'label', name: 'l' }, { op: 'accept' }]],
  ] as const)('refuses a label that is %s', (_why, program) => {
    expect(() => assemble(program)).toThrow(/label/);
  });
});

describe('dispatcherFilter', () => {
  const filter = dispatcherFilter({ macs: [MAC], arpTargets: [CLUSTER] });

  it('takes frames to its MACs, but not what this host says itself', () => {
    expect(interpret(filter, frameTo(MAC))).toBeGreaterThan(60);
    expect(interpret(filter, frameTo(MAC), { packetType: 3 })).toBeGreaterThan(60);
    expect(interpret(filter, frameTo(MAC), { packetType: 4 })).toBe(0);
  });

  it("takes frames to a gateway's MAC, from other hosts and from this one", () => {
    const both = dispatcherFilter({ macs: [MAC], gatewayMacs: [SIBLING], arpTargets: [] });
    for (const packetType of [3, 4]) {
      expect(interpret(both, frameTo(SIBLING), { packetType })).toBeGreaterThan(60);
      expect(interpret(both, frameTo(OTHER), { packetType })).toBe(0);
    }
    expect(interpret(both, frameTo(MAC), { packetType: 4 })).toBe(0);
  });

  it('leaves frames to others, near misses included', () => {
    expect(interpret(filter, frameTo(OTHER))).toBe(0);
    expect(interpret(filter, frameTo(SIBLING))).toBe(0);
    expect(interpret(filter, frameTo(BROADCAST))).toBe(0);
  });

  it('takes ARP about its addresses, but not what this host says itself', () => {
    expect(interpret(filter, arpAbout(CLUSTER))).toBeGreaterThan(0);
    expect(interpret(filter, arpAbout(CLUSTER + 1))).toBe(0);
    expect(interpret(filter, arpAbout(CLUSTER), { packetType: 4 })).toBe(0);
  });

  it('takes frames whose VLAN tag the card took off', () => {
    expect(interpret(filter, frameTo(MAC), { vlanTagPresent: 1 })).toBeGreaterThan(60);
  });

  it('takes neighbour solicitations about its addresses, but nothing else of IPv6', () => {
    const target = Uint8Array.from({ length: 16 }, (_, i) => (i < 2 ? 0xfd : i));
    const solicits = dispatcherFilter({ macs: [MAC], arpTargets: [], solicitTargets: [target] });
    const frame = frameTo(parseMac('33:33:ff:0d:0e:0f')!, 0x86dd);
    const solicitation = new Uint8Array(86);
    solicitation.set(frame);
    solicitation[14] = 0x60;
    solicitation[20] = 58;
    solicitation[54] = 135;
    solicitation.set(target, 62);
    expect(interpret(solicits, solicitation)).toBeGreaterThan(0);
    expect(interpret(solicits, solicitation, { packetType: 4 })).toBe(0);
    expect(interpret(filter, solicitation)).toBe(0);
    for (const at of [20, 54, 77]) {
      const other = solicitation.slice();
      other[at] += 1;
      expect(interpret(solicits, other), `byte ${at}`).toBe(0);
    }
    expect(interpret(solicits, solicitation.subarray(0, 70))).toBe(0);
  });

  it('rejects ARP that is cut off instead of reading beyond it', () => {
    expect(interpret(filter, arpAbout(CLUSTER).subarray(0, 30))).toBe(0);
  });

  describe('in two parts', () => {
    const SYN = 0x02;
    const handshakes = dispatcherFilter({ macs: [MAC], arpTargets: [CLUSTER], part: 'handshakes' });
    const rest = dispatcherFilter({ macs: [MAC], arpTargets: [CLUSTER], part: 'rest' });
    /** Which of the two takes it. */
    const takers = (frame: Uint8Array): string =>
      [handshakes, rest].map((each) => (interpret(each, frame) > 0 ? 'x' : '-')).join('');

    function segment4(flags: number, change: Readonly<Record<number, number>> = {}): Uint8Array {
      const frame = frameTo(MAC);
      frame[14] = 0x45;
      frame[23] = 6;
      frame[47] = flags;
      for (const [at, value] of Object.entries(change)) frame[Number(at)] = value;
      return frame;
    }

    function segment6(flags: number, nextHeader = 6): Uint8Array {
      const frame = new Uint8Array(74);
      frame.set(frameTo(MAC, 0x86dd));
      frame[14] = 0x60;
      frame[20] = nextHeader;
      frame[67] = flags;
      return frame;
    }

    it.each([
      ['a request', segment4(SYN), 'x-'],
      ['its answer', segment4(SYN | 0x10), 'x-'],
      ['a request of IPv6', segment6(SYN), 'x-'],
      ['an acknowledgement', segment4(0x10), '-x'],
      ['an end', segment4(0x11), '-x'],
      ['a reset', segment6(0x04), '-x'],
      ['UDP', segment4(SYN, { 23: 17 }), '-x'],
      ['UDP of IPv6', segment6(SYN, 17), '-x'],
      ['a first fragment', segment4(SYN, { 20: 0x20 }), 'x-'],
      ['a later fragment', segment4(SYN, { 21: 1 }), '-x'],
      ['IP options', segment4(SYN, { 14: 0x46 }), '-x'],
      ['something before the flags of IPv6', segment6(SYN, 0), '-x'],
      ['a frame that ends before its flags', segment4(SYN).subarray(0, 47), '-x'],
      ['the same of IPv6', segment6(SYN).subarray(0, 67), '-x'],
      ['hardly a frame', segment4(SYN).subarray(0, 15), '-x'],
      ['ARP', arpAbout(CLUSTER), '-x'],
      ['what is for others', segment4(SYN, { 5: 0x65 }), '--'],
    ])('%s', (_what, frame, expected) => {
      expect(takers(frame)).toBe(expected);
      expect(interpret(filter, frame) > 0).toBe(expected !== '--');
    });

    it('are one whole for whatever comes', () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 0, maxLength: 80 }), (tail) => {
          const frame = new Uint8Array(12 + tail.length);
          frame.set(MAC);
          frame.set(tail, 12);
          expect(['x-', '-x']).toContain(takers(frame));
        }),
      );
    });
  });

  it('takes as many addresses as it promises', () => {
    const macs = Array.from({ length: 255 }, (_, i) => Uint8Array.of(2, 0x52, 0x4d, 0, 1, i));
    const gatewayMacs = Array.from({ length: 255 }, (_, i) => Uint8Array.of(2, 0x52, 0x4e, 0, 1, i));
    const arpTargets = Array.from({ length: 510 }, (_, i) => CLUSTER + i);
    const large = dispatcherFilter({ macs, gatewayMacs, arpTargets });
    for (const mac of [...macs, ...gatewayMacs]) expect(interpret(large, frameTo(mac))).toBeGreaterThan(0);
    for (const mac of gatewayMacs)
      expect(interpret(large, frameTo(mac), { packetType: 4 })).toBeGreaterThan(0);
    for (const target of arpTargets) expect(interpret(large, arpAbout(target))).toBeGreaterThan(0);
    expect(interpret(large, arpAbout(CLUSTER + 510))).toBe(0);
    expect(() => dispatcherFilter({ macs, gatewayMacs, arpTargets: [...arpTargets, 1] })).toThrow(/1020/);
  });
});

describe('the simplest filters', () => {
  it('take all or none', () => {
    expect(interpret(acceptAll(), frameTo(OTHER))).toBeGreaterThan(60);
    expect(interpret(acceptNone(), frameTo(MAC))).toBe(0);
  });
});
