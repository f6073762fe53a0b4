import {
  ALL_NODES,
  arpFrame,
  ArpOperation,
  Icmpv6Type,
  type IpAddress,
  macEquals,
  multicastMacOf,
  NeighbourFlag,
  neighbourFrame,
} from 'libnetraw/wire';

const BROADCAST = new Uint8Array(6).fill(0xff);

/**
 * The virtual MAC of a cluster address or ghost gateway: 02:52:4d (locally administered, "RM") and the low 24 bits of the
 * address; 02:52:4e for IPv6, so that two clusters of different families do not meet. Every member works out the same one,
 * so the router's neighbour entry survives every change of dispatcher.
 */
export function virtualMacOf(address: IpAddress): Uint8Array {
  if (typeof address === 'number') {
    return Uint8Array.of(0x02, 0x52, 0x4d, address >>> 16, address >>> 8, address);
  }
  return Uint8Array.of(0x02, 0x52, 0x4e, address[13], address[14], address[15]);
}

/**
 * The virtual MAC of an address in broadcast dispatch: a group's, so that switches bring its frames to all members. A member's
 * kernel takes no TCP from such a frame.
 */
export function sharedMacOf(address: IpAddress): Uint8Array {
  const mac = virtualMacOf(address);
  mac[0] |= 1;
  return mac;
}

/** Whether a MAC at `offset` is one at which a cluster lets this address live. */
export function isVirtualMacOf(address: IpAddress, memory: Uint8Array, offset = 0): boolean {
  return (
    macEquals(memory, offset, virtualMacOf(address), 0) || macEquals(memory, offset, sharedMacOf(address), 0)
  );
}

/**
 * The frames that say "this address lives at its virtual MAC, and that MAC lives here". Repeat and refresh them: they get
 * lost. In IPv4 gratuitous ARP in request and in reply form, because receivers differ in which one they heed; in IPv6 an
 * unsolicited neighbour advertisement to all nodes (RFC 4861, section 7.2.6).
 *
 * @param isRouter whether the address is a ghost gateway
 * @param source whose the frames are; default the virtual MAC, which a group's cannot be
 */
export function announcementFrames(
  address: IpAddress,
  virtualMac: Uint8Array,
  isRouter = false,
  source: Uint8Array = virtualMac,
): Uint8Array[] {
  if (typeof address !== 'number') return [advertisement(address, virtualMac, isRouter, source)];
  return [ArpOperation.request, ArpOperation.reply].map((operation) =>
    arpFrame(BROADCAST, source, {
      operation,
      senderMac: virtualMac,
      senderAddress: address,
      targetMac: operation === ArpOperation.reply ? virtualMac : new Uint8Array(6),
      targetAddress: address,
    }),
  );
}

function advertisement(
  address: Uint8Array,
  virtualMac: Uint8Array,
  isRouter: boolean,
  source: Uint8Array,
): Uint8Array {
  return neighbourFrame(multicastMacOf(ALL_NODES), source, {
    type: Icmpv6Type.neighbourAdvertisement,
    source: address,
    destination: ALL_NODES,
    target: address,
    flags: NeighbourFlag.override | (isRouter ? NeighbourFlag.router : 0),
    linkAddress: virtualMac,
  });
}
