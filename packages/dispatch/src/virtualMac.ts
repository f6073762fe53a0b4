import { arpFrame, ArpOperation } from 'libnetraw/wire';

const BROADCAST = new Uint8Array(6).fill(0xff);

/**
 * The virtual MAC of a cluster address: 02:52:4d (locally administered, "RM") and the low 24 bits of the address. Every
 * member works out the same one, so the router's ARP entry survives every change of dispatcher.
 */
export function virtualMacOf(address: number): Uint8Array {
  return Uint8Array.of(0x02, 0x52, 0x4d, address >>> 16, address >>> 8, address);
}

/**
 * The two frames that say "this address lives at its virtual MAC, and that MAC lives here": gratuitous ARP in request
 * and in reply form, because receivers differ in which one they heed. Send both, repeat, refresh: they get lost.
 */
export function announcementFrames(address: number, virtualMac: Uint8Array): Uint8Array[] {
  return [ArpOperation.request, ArpOperation.reply].map((operation) =>
    arpFrame(BROADCAST, virtualMac, {
      operation,
      senderMac: virtualMac,
      senderAddress: address,
      targetMac: operation === ArpOperation.reply ? virtualMac : new Uint8Array(6),
      targetAddress: address,
    }),
  );
}
