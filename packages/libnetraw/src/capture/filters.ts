import assert from 'node:assert/strict';
import { type ClientShare, takeShare } from './share.js';
import { Ancillary, assemble, type BpfInstruction, type BpfProgram } from './bpf.js';

/** PACKET_OUTGOING of linux/if_packet.h: a frame that this host sends. */
export const OUTGOING = 4;
const ETHERNET_BYTES = 14;
const ETHERTYPE_OFFSET = 12;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
/** Target protocol address in an ARP packet for IPv4 over Ethernet (RFC 826), counted from the start of the frame. */
const ARP_TARGET_OFFSET = 14 + 24;
/** A neighbour solicitation (RFC 4861, section 4.3), which no extension header may precede: hop limit 255, no options. */
const IPV6_NEXT_HEADER_OFFSET = 14 + 6;
const ICMPV6_TYPE_OFFSET = 14 + 40;
const SOLICIT_TARGET_OFFSET = 14 + 40 + 8;
/** Where the flags of TCP are behind an IP header without options or extensions. */
const TCP_FLAGS_OFFSET = 13;
const TCP4_OFFSET = 14 + 20;
const TCP6_OFFSET = 14 + 40;
const ETHERTYPE_IPV4 = 0x0800;
const IPV4_WITHOUT_OPTIONS = 0x45;
const FRAGMENT_OFFSET = 0x1fff;
const TCP = 6;
const SYN = 2;
const ICMPV6 = 58;
const NEIGHBOUR_SOLICITATION = 135;
/** Bounds the program: at most four instructions each. */
const MAX_ADDRESSES = 1020;

/** Every frame. */
export function acceptAll(): BpfProgram {
  return assemble([{ op: 'accept' }]);
}

/** No frame: the socket stays open and costs next to nothing. */
export function acceptNone(): BpfProgram {
  return assemble([{ op: 'reject' }]);
}

/** Which frames a dispatcher wants. VLAN tags do not matter: the card has taken them off, and a `PacketRing` puts them back. */
export interface DispatcherFilterOptions {
  /** Destination MACs, 6 bytes each. Frames to them are taken when they come from other hosts. */
  readonly macs: readonly Uint8Array[];
  /** The same, but frames that this host itself sends to them are taken as well: its own replies by way of the gateway. */
  readonly gatewayMacs?: readonly Uint8Array[];
  /** IPv4 addresses (as unsigned numbers) about which others ask by ARP. Not this host's own announcements. */
  readonly arpTargets: readonly number[];
  /**
   * IPv6 addresses (16 bytes) about which others ask by neighbour solicitation. Only the last 32 bits are compared, so a
   * solicitation about a stranger may come along.
   */
  readonly solicitTargets?: readonly Uint8Array[];
  /** Which part of these frames. Default `all`. */
  readonly part?: FramePart;
  /** Of the packets to `macs` only those of these clients. Default all. */
  readonly share?: ClientShare;
}

/**
 * Two rings can share what a dispatcher wants: `handshakes` are TCP segments with the SYN flag, requests and their answers,
 * `rest` is everything else. IP options, extension headers and later fragments make a segment one of the rest.
 */
export type FramePart = 'all' | 'handshakes' | 'rest';

/** Frames to one of the MACs, and ARP or neighbour solicitations from other hosts about one of the addresses. */
export function dispatcherFilter(options: DispatcherFilterOptions): BpfProgram {
  const { macs, gatewayMacs = [], arpTargets, solicitTargets = [], part = 'all', share } = options;
  // Who answers questions about the addresses does so whoever asks.
  const answers = arpTargets.length + solicitTargets.length > 0;
  const addresses = macs.length + gatewayMacs.length + arpTargets.length + solicitTargets.length;
  assert(addresses <= MAX_ADDRESSES, `at most ${MAX_ADDRESSES} addresses in a filter`);
  return assemble([
    { op: 'loadWord', offset: Ancillary.packetType },
    { op: 'jumpIfEqual', value: OUTGOING, then: 'own' },
    { op: 'jump', to: 'foreign' },
    { op: 'label', name: 'own' },
    ...takeDestinations(gatewayMacs, 'own'),
    { op: 'reject' },
    { op: 'label', name: 'foreign' },
    ...takeDestinations(gatewayMacs, 'foreign-gateway'),
    ...takeDestinations(macs, 'foreign', share === undefined ? 'taken' : 'shared'),
    { op: 'loadHalf', offset: ETHERTYPE_OFFSET },
    { op: 'jumpIfEqual', value: ETHERTYPE_ARP, then: 'arp' },
    { op: 'jump', to: 'not-arp' },
    { op: 'label', name: 'arp' },
    { op: 'loadWord', offset: ARP_TARGET_OFFSET },
    ...takeValues(arpTargets, 'arp'),
    { op: 'reject' },
    { op: 'label', name: 'not-arp' },
    { op: 'jumpIfEqual', value: ETHERTYPE_IPV6, otherwise: 'no' },
    { op: 'loadByte', offset: IPV6_NEXT_HEADER_OFFSET },
    { op: 'jumpIfEqual', value: ICMPV6, otherwise: 'no' },
    { op: 'loadByte', offset: ICMPV6_TYPE_OFFSET },
    { op: 'jumpIfEqual', value: NEIGHBOUR_SOLICITATION, then: 'solicitation' },
    { op: 'label', name: 'no' },
    { op: 'reject' },
    { op: 'label', name: 'solicitation' },
    { op: 'loadWord', offset: SOLICIT_TARGET_OFFSET + 12 },
    ...takeValues(solicitTargets.map(lastWord), 'solicit'),
    { op: 'reject' },
    ...(share === undefined ? [] : shared(share, answers)),
    { op: 'label', name: 'taken' },
    ...(part === 'all' ? [{ op: 'accept' } as const] : divide(part)),
  ]);
}

function shared(share: ClientShare, answers: boolean): BpfInstruction[] {
  return [
    { op: 'label', name: 'shared' },
    ...takeShare(share, ETHERNET_BYTES, 'taken', 'no-client'),
    { op: 'label', name: 'no-client' },
    answers ? { op: 'jump', to: 'taken' } : { op: 'reject' },
  ];
}

/** Whether a frame that is wanted belongs to this part of them. What is too short to have flags is one of the rest. */
function divide(part: Exclude<FramePart, 'all'>): BpfInstruction[] {
  const when = (isPart: boolean): BpfInstruction => ({ op: isPart ? 'accept' : 'reject' });
  return [
    { op: 'loadLength' },
    { op: 'jumpIfGreater', value: TCP4_OFFSET + TCP_FLAGS_OFFSET, otherwise: 'plain' },
    { op: 'loadHalf', offset: ETHERTYPE_OFFSET },
    { op: 'jumpIfEqual', value: ETHERTYPE_IPV6, then: 'ipv6' },
    { op: 'jumpIfEqual', value: ETHERTYPE_IPV4, otherwise: 'plain' },
    { op: 'loadByte', offset: 14 },
    { op: 'jumpIfEqual', value: IPV4_WITHOUT_OPTIONS, otherwise: 'plain' },
    { op: 'loadHalf', offset: 14 + 6 },
    { op: 'jumpIfAnySet', value: FRAGMENT_OFFSET, then: 'plain' },
    { op: 'loadByte', offset: 14 + 9 },
    { op: 'jumpIfEqual', value: TCP, otherwise: 'plain' },
    { op: 'loadByte', offset: TCP4_OFFSET + TCP_FLAGS_OFFSET },
    { op: 'jumpIfAnySet', value: SYN, then: 'handshake', otherwise: 'plain' },
    { op: 'label', name: 'ipv6' },
    { op: 'loadByte', offset: IPV6_NEXT_HEADER_OFFSET },
    { op: 'jumpIfEqual', value: TCP, otherwise: 'plain' },
    { op: 'loadLength' },
    { op: 'jumpIfGreater', value: TCP6_OFFSET + TCP_FLAGS_OFFSET, otherwise: 'plain' },
    { op: 'loadByte', offset: TCP6_OFFSET + TCP_FLAGS_OFFSET },
    { op: 'jumpIfAnySet', value: SYN, then: 'handshake' },
    { op: 'label', name: 'plain' },
    when(part === 'rest'),
    { op: 'label', name: 'handshake' },
    when(part === 'handshakes'),
  ];
}

/** Jumps over lists without counting, so that nothing is limited by the reach of a test. */
function takeDestinations(macs: readonly Uint8Array[], scope: string, to = 'taken'): BpfInstruction[] {
  const byPrefix = new Map<number, number[]>();
  for (const mac of macs) {
    assert.equal(mac.length, 6, 'a MAC has 6 bytes');
    const view = new DataView(mac.buffer, mac.byteOffset, 6);
    const prefix = view.getUint16(0);
    byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), view.getUint32(2)]);
  }
  return [...byPrefix].flatMap(([prefix, endings]): BpfInstruction[] => {
    const name = `${scope}-${prefix}`;
    return [
      { op: 'loadHalf', offset: 0 },
      { op: 'jumpIfEqual', value: prefix, then: name },
      { op: 'jump', to: `not-${name}` },
      { op: 'label', name },
      { op: 'loadWord', offset: 2 },
      ...takeValues(endings, name, to),
      { op: 'label', name: `not-${name}` },
    ];
  });
}

function takeValues(values: readonly number[], scope: string, to = 'taken'): BpfInstruction[] {
  return [...new Set(values)].flatMap((value): BpfInstruction[] => {
    const next = `not-${scope}-${value}`;
    return [
      { op: 'jumpIfEqual', value, otherwise: next },
      { op: 'jump', to },
      { op: 'label', name: next },
    ];
  });
}

function lastWord(address: Uint8Array): number {
  assert.equal(address.length, 16, 'an IPv6 address has 16 bytes');
  return new DataView(address.buffer, address.byteOffset, 16).getUint32(12);
}
