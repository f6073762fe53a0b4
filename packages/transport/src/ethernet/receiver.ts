/** What the thread that receives ring frames and the socket on the main thread say to each other. */
import type { Address } from '@ringmaster/ring';
import { Ancillary, assemble, type BpfProgram } from 'libnetraw';
import { RingEtherType } from './ringFrame.js';

/**
 * Words of the memory that the two threads share: an order to stop, packets that wait for the main thread, frames of our
 * EtherTypes that are no ring frames, and packets that were thrown away because too many waited.
 */
export const Shared = { stop: 0, waiting: 1, malformed: 2, overrun: 3, words: 4 } as const;

export interface ReceiverData {
  /** Name of the network interface. */
  readonly interface: string;
  readonly shared: SharedArrayBuffer;
  /** Descriptor of the `Wake` that ends the thread. */
  readonly wakeFd: number;
}

export interface ReceivedPacket {
  readonly from: Address;
  readonly packet: Uint8Array;
}

export type ReceiverReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'received'; readonly packets: readonly ReceivedPacket[] };

const ETHERTYPE_OFFSET = 12;
/** linux/if_packet.h: to this host (0) or to everybody (1); others are multicast, somebody else's, or our own. */
const PACKET_BROADCAST = 1;

/** Ring frames that others send to this host or to everybody, without a VLAN tag. */
export function ringFilter(): BpfProgram {
  return assemble([
    { op: 'loadHalf', offset: ETHERTYPE_OFFSET },
    { op: 'jumpIfEqual', value: RingEtherType.plain, then: 'ring' },
    { op: 'jumpIfEqual', value: RingEtherType.sealed, otherwise: 'other' },
    { op: 'label', name: 'ring' },
    { op: 'loadWord', offset: Ancillary.vlanTagPresent },
    { op: 'jumpIfEqual', value: 0, otherwise: 'other' },
    { op: 'loadWord', offset: Ancillary.packetType },
    { op: 'jumpIfGreater', value: PACKET_BROADCAST, then: 'other' },
    { op: 'accept' },
    { op: 'label', name: 'other' },
    { op: 'reject' },
  ]);
}
