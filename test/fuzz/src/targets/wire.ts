/** libnetraw/wire: decoders decide by the bytes they are given and by nothing around them; checksums agree. */
import {
  ArpHeader,
  compareMac,
  decodeArp,
  decodeEthernet,
  decodeIcmp,
  decodeIpv4,
  decodeIpv6,
  decodeNeighbour,
  decodeQuotedIpv4,
  decodeQuotedIpv6,
  decodeTcp,
  decodeUdp,
  decodeVnetHeader,
  encodeIpv4,
  encodeIpv6,
  encodeNeighbour,
  encodeTcp,
  encodeUdp,
  EthernetHeader,
  formatIp,
  formatIpv4,
  formatMac,
  IcmpHeader,
  Icmpv6Type,
  internetChecksum,
  Ipv4Header,
  Ipv6Header,
  NeighbourMessage,
  parseIp,
  parseIpv4,
  parseMac,
  readU16,
  readU32,
  TcpHeader,
  UdpHeader,
  updateChecksum16,
  updateChecksum32,
  VnetHeader,
  wireStatusName,
  WireStatus,
  writeU16,
  writeU32,
} from 'libnetraw/wire';
import { must, type Target } from '../target.js';

const MAX_BYTES = 128;
/** More than any decoder could read too far. */
const GUARD_BYTES = 64;

type Header = Record<string, number | boolean>;
type Check = (body: Uint8Array) => void;

const memories = [0x00, 0xff].map((guard) => ({ guard, bytes: new Uint8Array(MAX_BYTES + 2 * GUARD_BYTES) }));

/** The same bytes among zeros and among ones: the results must be the same, and inside. */
function decoder<H>(
  decode: (m: Uint8Array, o: number, l: number, into: H) => number,
  create: () => H,
): Check {
  const headers = [create(), create()] as unknown as [Header, Header];
  const names = Object.keys(headers[0]);
  return (body) => {
    let first = 0;
    for (const [n, { guard, bytes }] of memories.entries()) {
      bytes.fill(guard);
      bytes.set(body, GUARD_BYTES);
      const status = decode(bytes, GUARD_BYTES, body.length, headers[n] as H);
      if (n === 0) first = status;
      else must(status === first, `bytes outside decide: ${wireStatusName(first as WireStatus)}`);
    }
    must(wireStatusName(first as WireStatus) !== 'unknown', `status ${first}`);
    if (first !== WireStatus.ok) return;
    const [zeros, ones] = headers;
    for (const name of names) must(zeros[name] === ones[name], `bytes outside decide about ${name}`);
    if (zeros.payloadOffset === undefined) return;
    const start = Number(zeros.payloadOffset) - GUARD_BYTES;
    const length = Number(zeros.payloadLength);
    must(start >= 0 && length >= 0 && start + length <= body.length, `payload at ${start}, ${length} bytes`);
  };
}

/** One's complement has two zeros. */
const sameSum = (a: number, b: number): boolean => a % 0xffff === b % 0xffff;

/** RFC 1624: changing a word changes the checksum as if it were worked out anew. */
function checkChecksum(body: Uint8Array): void {
  if (body.length < 8) return;
  const bytes = body.slice(0, body.length & ~1);
  const at = 4 * (bytes[0] % (bytes.length >> 2));
  const before = internetChecksum(bytes, 0, bytes.length);
  const [old16, new16] = [readU16(bytes, at), readU16(bytes, 2)];
  writeU16(bytes, at, new16);
  const between = internetChecksum(bytes, 0, bytes.length);
  must(sameSum(updateChecksum16(before, old16, new16), between), 'updateChecksum16 differs');
  const [old32, new32] = [readU32(bytes, at), readU32(bytes, 4)];
  writeU32(bytes, at, new32);
  const after = internetChecksum(bytes, 0, bytes.length);
  must(sameSum(updateChecksum32(between, old32, new32), after), 'updateChecksum32 differs');
}

function checkText(body: Uint8Array): void {
  const text = String.fromCharCode(...body);
  const address = parseIpv4(text);
  if (address !== undefined) must(formatIpv4(address) === text, `${text} is ${formatIpv4(address)}`);
  const ip = parseIp(text);
  if (ip !== undefined) {
    const written = formatIp(ip);
    must(formatIp(parseIp(written) ?? 0) === written, `${text} is ${written}`);
  }
  const mac = parseMac(text);
  if (mac === undefined) return;
  const again = parseMac(formatMac(mac));
  must(again !== undefined && compareMac(again, mac) === 0, `${text} is ${formatMac(mac)}`);
}

/** An IPv6 packet whose payload is, or is not, a neighbour message. */
function decodePacketOfNeighbour(
  memory: Uint8Array,
  offset: number,
  length: number,
  into: NeighbourMessage,
): number {
  const ip = new Ipv6Header();
  const status = decodeIpv6(memory, offset, length, ip);
  return status === WireStatus.ok ? decodeNeighbour(memory, ip, into) : status;
}

const CHECKS: readonly Check[] = [
  decoder(decodeEthernet, () => new EthernetHeader()),
  decoder(decodeArp, () => new ArpHeader()),
  decoder(decodeIpv4, () => new Ipv4Header()),
  decoder(decodeTcp, () => new TcpHeader()),
  decoder(decodeUdp, () => new UdpHeader()),
  decoder(decodeIcmp, () => new IcmpHeader()),
  decoder(decodeVnetHeader, () => new VnetHeader()),
  checkChecksum,
  checkText,
  decoder(decodeIpv6, () => new Ipv6Header()),
  decoder(decodeQuotedIpv4, () => new Ipv4Header()),
  decoder(decodeQuotedIpv6, () => new Ipv6Header()),
  decoder(decodePacketOfNeighbour, () => new NeighbourMessage()),
];

function seedOf(check: number, fill: (body: Uint8Array) => unknown, length = 40): Uint8Array {
  const seed = new Uint8Array(1 + length);
  seed[0] = check;
  fill(seed.subarray(1));
  return seed;
}

const six = { source: new Uint8Array(16).fill(0x20), destination: new Uint8Array(16).fill(0x21) };
const solicitation = {
  ...six,
  type: Icmpv6Type.neighbourSolicitation,
  target: six.destination,
  linkAddress: new Uint8Array(6).fill(2),
};

const textSeed = (text: string): Uint8Array => Uint8Array.from([8, ...Buffer.from(text)]);

export const target: Target = {
  maxBytes: MAX_BYTES,
  seeds: () => [
    seedOf(0, (b) => b.set([8, 0], 12)),
    seedOf(1, (b) => b.set([0, 1, 8, 0, 6, 4, 0, 1])),
    seedOf(2, (b) => encodeIpv4(b, 0, { source: 1, destination: 2, protocol: 6, payloadLength: 20 })),
    seedOf(3, (b) => encodeTcp(b, 0, { sourcePort: 1, destinationPort: 2, flags: 2 })),
    seedOf(4, (b) => encodeUdp(b, 0, { sourcePort: 1, destinationPort: 2, payloadLength: 8 })),
    seedOf(5, (b) => b.set([8, 0])),
    seedOf(6, (b) => b.set([1, 1])),
    seedOf(7, (b) => b.fill(0xa5)),
    textSeed('192.168.1.255'),
    seedOf(9, (b) => encodeIpv6(b, 0, { ...six, protocol: 60, payloadLength: 8 }), 48),
    seedOf(9, (b) => encodeIpv6(b, 0, { ...six, protocol: 44, payloadLength: 28 }), 68),
    seedOf(10, (b) => encodeIpv4(b, 0, { source: 1, destination: 2, protocol: 6, payloadLength: 1480 }), 28),
    seedOf(11, (b) => encodeIpv6(b, 0, { ...six, protocol: 6, payloadLength: 1400 }), 48),
    seedOf(12, (b) => encodeNeighbour(b, 0, solicitation), 72),
    textSeed('2001:db8::64'),
    textSeed('02:52:4d:00:00:64'),
    textSeed('02-52-4D-0-0-64'),
  ],
  run(input) {
    if (input.length === 0) return;
    CHECKS[input[0] % CHECKS.length](input.subarray(1));
  },
};
