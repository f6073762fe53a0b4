import assert from 'node:assert/strict';
import { Ancillary, assemble, type BpfInstruction, type BpfProgram } from './bpf.js';

/** PACKET_OUTGOING of linux/if_packet.h: a frame that this host sends. */
const OUTGOING = 4;
const ETHERTYPE_OFFSET = 12;
const ETHERTYPE_ARP = 0x0806;
/** Target protocol address in an ARP packet for IPv4 over Ethernet (RFC 826), counted from the start of the frame. */
const ARP_TARGET_OFFSET = 14 + 24;
/** Bounds the program: five instructions an address. */
const MAX_ADDRESSES = 256;

/** Every frame. */
export function acceptAll(): BpfProgram {
  return assemble([{ op: 'accept' }]);
}

/** No frame: the socket stays open and costs next to nothing. */
export function acceptNone(): BpfProgram {
  return assemble([{ op: 'reject' }]);
}

/** Which frames a dispatcher wants. */
export interface DispatcherFilterOptions {
  /** Destination MACs, 6 bytes each. Frames to them are taken whoever sends them, this host included. */
  readonly macs: readonly Uint8Array[];
  /** IPv4 addresses (as unsigned numbers) about which others ask by ARP. Not this host's own announcements. */
  readonly arpTargets: readonly number[];
}

/**
 * Frames to one of `macs`, and ARP from other hosts about one of `arpTargets`; nothing that carries a VLAN tag, which
 * the card takes off and a forwarded frame would lose.
 */
export function dispatcherFilter({ macs, arpTargets }: DispatcherFilterOptions): BpfProgram {
  assert(macs.length + arpTargets.length <= MAX_ADDRESSES, `at most ${MAX_ADDRESSES} addresses in a filter`);
  return assemble([
    { op: 'loadWord', offset: Ancillary.vlanTagPresent },
    { op: 'jumpIfEqual', value: 0, then: 'untagged' },
    { op: 'reject' },
    { op: 'label', name: 'untagged' },
    ...macs.flatMap(acceptDestination),
    { op: 'loadHalf', offset: ETHERTYPE_OFFSET },
    { op: 'jumpIfEqual', value: ETHERTYPE_ARP, then: 'arp' },
    { op: 'reject' },
    { op: 'label', name: 'arp' },
    { op: 'loadWord', offset: Ancillary.packetType },
    { op: 'jumpIfEqual', value: OUTGOING, otherwise: 'foreign' },
    { op: 'reject' },
    { op: 'label', name: 'foreign' },
    { op: 'loadWord', offset: ARP_TARGET_OFFSET },
    ...arpTargets.flatMap(acceptValue),
    { op: 'reject' },
  ]);
}

/** Accepts at once, so that no jump grows with the number of addresses. */
function acceptDestination(mac: Uint8Array, index: number): BpfInstruction[] {
  assert.equal(mac.length, 6, 'a MAC has 6 bytes');
  const view = new DataView(mac.buffer, mac.byteOffset, 6);
  const next = `not-mac-${index}`;
  return [
    { op: 'loadWord', offset: 0 },
    { op: 'jumpIfEqual', value: view.getUint32(0), otherwise: next },
    { op: 'loadHalf', offset: 4 },
    { op: 'jumpIfEqual', value: view.getUint16(4), otherwise: next },
    { op: 'accept' },
    { op: 'label', name: next },
  ];
}

function acceptValue(value: number, index: number): BpfInstruction[] {
  const next = `not-target-${index}`;
  return [{ op: 'jumpIfEqual', value, otherwise: next }, { op: 'accept' }, { op: 'label', name: next }];
}
